"""Dead letters of a partner: what it refused and what waits behind; sent again or let go."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, url_for
from flask_admin import expose
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from admin.acts import act, sent
from admin.base import PageView
from admin.credit_client_parts import chosen
from admin.credit_partner_parts import accounts_of
from admin.credit_parts import members_of, name_of, source_names
from admin.lotteries import page_number
from admin.menu import Group
from app.core.db import db
from app.core.queue import transaction
from app.domain.credit_sync import LetterState
from app.domain.people import Role
from app.models import CreditLetter, CreditPartner
from app.services.credit_sync import letters

STATES: dict[LetterState, tuple[str, Any]] = {
    LetterState.DEAD: ("bad", _l("Refused by the partner")),
    LetterState.BEHIND: ("warn", _l("Waits behind a refused one")),
    LetterState.REPLAYING: ("busy", _l("On its way again")),
}


@dataclass(frozen=True)
class Row:
    """A letter as the list shows it."""

    letter: letters.Letter
    account_id: int
    name: str
    source: str
    state: tuple[str, Any]
    dead: bool
    behind: int


class CreditLettersView(PageView):
    """`/admin/credit-letters/?partner=…`."""

    role = Role.MANAGER
    group, menu_of, tab = Group.MONEY, "credit_overview", "credit_partners"

    @expose("/")
    def index_view(self) -> Any:
        """Those that are not settled."""
        partner = chosen(CreditPartner, "partner")
        page = letters.list_open(partner.id, page_number())
        return self.render(
            "admin/credit_partners/letters.html",
            partner=partner,
            rows=_rows(partner, page.letters),
            page=page.number,
            more=page.more,
            total=page.total,
        )

    @expose("/replay/", methods=("POST",))
    def replay(self) -> Any:
        """Sends one again, with what waits behind it."""
        letter = chosen(CreditLetter)
        sent("id")
        _replay(letter.partner_id, [letter.id])
        return _back(letter.partner_id)

    @expose("/replay-all/", methods=("POST",))
    def replay_all(self) -> Any:
        """Sends all of them again."""
        partner = chosen(CreditPartner, "partner")
        sent("partner")
        _replay(partner.id, None)
        return _back(partner.id)

    @expose("/dismiss/", methods=("POST",))
    def dismiss(self) -> Any:
        """Lets go of one."""
        letter = chosen(CreditLetter)
        sent("id")
        act(lambda: letters.dismiss(letter.id), gettext("Let go. The partner will not get this change."))
        return _back(letter.partner_id)


def _replay(partner_id: int, ids: list[int] | None) -> None:
    with transaction():
        count = letters.replay(partner_id, ids)
    flash(ngettext("%(num)s change is sent again", "%(num)s changes are sent again", count), "success")


def _back(partner_id: int) -> Any:
    return redirect(url_for(".index_view", partner=partner_id), 303)


def _rows(partner: CreditPartner, found: list[letters.Letter]) -> list[Row]:
    accounts = accounts_of({one.telegram_id for one in found})
    behind = _behind(partner, set(accounts.values()))
    known, names = members_of(one.telegram_id for one in found), source_names(one.source for one in found)
    return [
        Row(
            one,
            accounts[one.telegram_id],
            name_of(one.telegram_id, known),
            str(names[one.source]),
            STATES[one.state],
            one.state is LetterState.DEAD,
            behind[accounts[one.telegram_id]] if one.state is LetterState.DEAD else 0,
        )
        for one in found
    ]


def _behind(partner: CreditPartner, accounts: set[int]) -> Counter[int]:
    query = select(CreditLetter.account_id, func.count()).where(
        CreditLetter.partner_id == partner.id,
        CreditLetter.account_id.in_(accounts),
        CreditLetter.state == LetterState.BEHIND,
    )
    counted = db.session.execute(query.group_by(CreditLetter.account_id))
    return Counter(dict(counted.all()))


def views() -> list[Any]:
    """The views of this feature."""
    return [CreditLettersView(_l("Refused changes"), endpoint="credit_letters", url="credit-letters")]
