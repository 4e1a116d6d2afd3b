"""What the pages of outgoing sync share: how a partner is, its lag and its trouble in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import url_for
from flask_babel import format_decimal, get_locale, gettext
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from admin.guard import tenant_id, viewer
from app.core.db import db
from app.core.i18n import translate
from app.domain.credit_sync import PartnerState, Trouble, trouble_text
from app.domain.people import Role
from app.models import CreditAccount, CreditPartner
from app.services.credit_sync import lag

Words = tuple[str, Any]
NO_ANSWER = {
    "dns": _l("its name is not known"),
    "connect": _l("nothing can be reached there"),
    "tls": _l("its certificate is not right"),
    "timeout": _l("it took too long"),
    "broken": _l("it broke off"),
    "too_large": _l("it was too large"),
}
ADVICE = {
    "401": _l("It does not accept the signature: has the partner the right secret?"),
    "403": _l("It does not accept the signature: has the partner the right secret?"),
    "404": _l("There is nothing at this address. Is it right?"),
    "429": _l("It wants to be called less often; we wait."),
    "5": _l("Its server has a fault, which the partner has to mend."),
}


@dataclass(frozen=True)
class LagRow:
    """One partner as lists and the lag card show it."""

    partner: CreditPartner
    state: Words
    waiting: int
    waiting_words: str
    oldest_at: datetime | None
    letters: int
    error: str
    retries: bool
    """Whether it is going to be tried again by itself."""
    host: str
    url: str


def lag_rows() -> list[LagRow]:
    """Every partner of the open tenant; nobody below a manager gets any."""
    if not viewer().may(Role.MANAGER):
        return []
    return [_row(one) for one in lag.lags(tenant_id())]


def accounts_of(telegram_ids: Iterable[int]) -> dict[int, int]:
    """The numbers of these members' accounts, by Telegram number."""
    query = select(CreditAccount.telegram_id, CreditAccount.id).where(
        CreditAccount.tenant_id == tenant_id(), CreditAccount.telegram_id.in_(set(telegram_ids))
    )
    return dict(db.session.execute(query).all())


def partner_state(partner: CreditPartner, letters: int) -> Words:
    """Tone and words. `letters` = how many of its changes were set aside."""
    if partner.state is PartnerState.PAUSED:
        return "idle", _l("Paused")
    if partner.state is PartnerState.GONE:
        return "bad", _l("Wants nothing more")
    if partner.failing_since:
        return "bad", _l("Not reached")
    if letters:
        return "warn", _l("Changes refused")
    return "ok", _l("Works")


def trouble_words(error: str | None) -> str:
    """What is wrong with a partner's address, for people, and what may be done."""
    if not error:
        return ""
    message, params = trouble_text(error)
    kind, _, what = error.partition(":")
    if kind == Trouble.NO_ANSWER:
        params["what"] = NO_ANSWER.get(what, what)
    told = translate(str(get_locale()), message, **params)
    advice = (
        ADVICE.get(what) or ADVICE.get(what[:1]) if kind in {Trouble.STATUS, Trouble.REFUSES_ALL} else None
    )
    return f"{told} {advice}" if advice else told


def waiting_words(waiting: int) -> str:
    """How many changes wait."""
    if not waiting:
        return str(gettext("Nothing waits"))
    if waiting >= lag.MOST:
        return str(gettext("more than %(count)s changes wait", count=format_decimal(lag.MOST)))
    return str(gettext("%(count)s changes wait", count=format_decimal(waiting)))


def _row(one: lag.Lag) -> LagRow:
    partner = one.partner
    return LagRow(
        partner,
        partner_state(partner, one.letters),
        one.waiting,
        waiting_words(one.waiting),
        one.oldest_at,
        one.letters,
        trouble_words(partner.error) if partner.state is PartnerState.ACTIVE else "",
        partner.state is PartnerState.ACTIVE and partner.failing_since is not None,
        urlsplit(partner.url).netloc,
        url_for("credit_partners.details_view", id=partner.id),
    )
