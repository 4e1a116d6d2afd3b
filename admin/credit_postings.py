"""Every posting of the tenant's ledger: by project, direction, amount, day and member; each with all that is known."""

import json
from datetime import date
from typing import Any

from flask import has_request_context
from flask_admin import expose
from flask_babel import format_decimal, gettext
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import false, func, or_, select

from admin.base import TenantView
from admin.credit_parts import (
    leads_to,
    members_of,
    name_cell,
    name_of,
    named_id,
    other_sides,
    source_names,
    with_names,
    with_source_names,
)
from admin.filters import AtLeast, AtMost, ColumnFilter, Equals, Number, NumberIs
from admin.guard import tenant_id
from admin.menu import Group
from app.core.db import db
from app.domain import credits as rules
from app.domain.members import read_number
from app.models import CreditAccount, CreditHold, CreditPosting, Member
from app.services import members
from app.services.credits import figures

MOST_PEOPLE = 500
"""Whom the words of a search may mean; more are no search."""
IN, OUT = "in", "out"


class Source(Equals):
    """One of the sources that have posted, or may."""

    def get_options(self, view: Any) -> list[tuple[str, Any]]:
        """Their names; none while the pages are put together, which asks too."""
        del view
        if not has_request_context():
            return []
        return list(source_names(figures.sources(tenant_id())).items())

    def clean(self, value: str) -> str:
        """The source; ValueError for what can't be one."""
        if not rules.SOURCE.fullmatch(value):
            raise ValueError(value)
        return value


class Direction(ColumnFilter):
    """Only what was added, or only what was taken."""

    words = Equals.words

    def clean(self, value: str) -> str:
        """`in` or `out`; ValueError for anything else."""
        if value not in {IN, OUT}:
            raise ValueError(value)
        return value

    def apply(self, query: Any, value: Any, alias: Any = None) -> Any:
        """Narrows the query."""
        column = self.get_column(alias)
        return query.filter(column > 0 if value == IN else column < 0)


class _HowMany(Number):
    """Compares amounts without their sign."""

    def get_column(self, alias: Any) -> Any:
        """The number of credits that came or went."""
        return func.abs(super().get_column(alias))


class _Exactly(_HowMany, NumberIs):
    """That many."""


class _AtLeast(_HowMany, AtLeast):
    """That many or more."""


class _AtMost(_HowMany, AtMost):
    """That many or fewer."""


def wanting(
    *, source: str | None = None, since: date | None = None, until: date | None = None
) -> dict[str, Any]:
    """What the address of the list says for these filters, whose places are those in `column_filters`."""
    places = {"flt0_0": source, "flt5_5": since and since.isoformat(), "flt6_6": until and until.isoformat()}
    return {name: value for name, value in places.items() if value}


def _amount(_view: Any, _context: Any, row: CreditPosting, _column: str) -> Markup:
    return Markup("<b>{}{}</b>").format("+" if row.amount > 0 else "", format_decimal(row.amount))


def _source(_view: Any, _context: Any, row: Any, _column: str) -> Markup:
    return Markup('<span class="badge">{}</span>').format(row.source_name)


def _reason(_view: Any, _context: Any, row: CreditPosting, _column: str) -> Markup:
    return Markup('<span class="lines-2"><bdi>{}</bdi></span>').format(row.reason)


class CreditPostingsView(TenantView):
    """`/admin/credit-postings/`."""

    group, icon, menu_of = Group.MONEY, "coins", "credit_overview"
    lead = _l("Every change of every balance. Nothing here can be changed or deleted.")
    export_logged = "credits.postings_exported"
    list_template, details_template = "admin/credits/postings.html", "admin/credits/posting.html"
    column_list = ("name", "amount", "balance", "source", "reason", "created_at")
    column_export_list = (
        "id", "created_at", "telegram_id", "name", "amount", "balance", "source", "reference", "reason",
    )  # fmt: skip
    column_labels = {  # noqa: RUF012 - as Flask-Admin has it
        "id": _l("Number"),
        "name": _l("Member"),
        "telegram_id": _l("Telegram number"),
        "amount": _l("Balance change"),
        "balance": _l("Balance after"),
        "source": _l("Posted by"),
        "reference": _l("Reference"),
        "reason": _l("Reason"),
        "created_at": _l("When"),
    }
    column_formatters = {  # noqa: RUF012 - as Flask-Admin has it
        "name": name_cell,
        "amount": _amount,
        "balance": lambda _view, _context, row, _column: format_decimal(row.balance),
        "source": _source,
        "reason": _reason,
    }
    column_formatters_export = {"source": lambda _view, _context, row, _column: row.source}  # noqa: RUF012 - as Flask-Admin has it
    column_default_sort = ("id", True)
    column_sortable_list = ()
    column_searchable_list = ("reference",)
    column_filters = (
        Source(CreditPosting.source, _l("Posted by")),
        Direction(CreditPosting.amount, _l("Direction"), options=[(IN, _l("Added")), (OUT, _l("Taken"))]),
        *(
            kind(CreditPosting.amount, _l("How many"), data_type="number")
            for kind in (_Exactly, _AtLeast, _AtMost)
        ),
        "created_at",
    )
    secondary_columns, number_columns = ("balance",), ("amount", "balance")
    empty_title = _l("Nothing has been posted yet")
    empty_text = _l("Give somebody credits, or connect a project that does.")
    empty_picture = "chart"

    def search_placeholder(self) -> str:
        """What may be searched for."""
        return str(gettext("Reference, name, @username or Telegram number"))

    def title_of(self, row: Any) -> str:
        """The head of one posting's page."""
        return str(gettext("Posting %(number)s", number=row.id))

    def get_list(self, *args: Any, **kwargs: Any) -> Any:
        """The rows with the names of members and sources, asked for all of them at once."""
        count, rows = super().get_list(*args, **kwargs)
        return count, with_names(with_source_names(rows))

    def _apply_search(self, query: Any, count_query: Any, joins: Any, count_joins: Any, search: str) -> Any:
        wanted = _fitting(search)
        return query.filter(wanted), count_query.filter(wanted), joins, count_joins

    @expose("/details/")
    def details_view(self) -> Any:
        """One posting."""
        posting = self.get_one(named_id())
        account = db.session.get_one(CreditAccount, posting.account_id)
        other = other_sides([posting]).get(posting.id)
        known = members_of([account.telegram_id, *([other[1]] if other else [])])
        names = source_names([posting.source])
        return self.render(
            self.details_template,
            model=posting,
            account=account,
            name=name_of(account.telegram_id, known),
            other=(other[0], name_of(other[1], known)) if other else None,
            source=names[posting.source],
            project=posting.source not in rules.OWN_SOURCES and names[posting.source] != posting.source,
            leads_to=leads_to(posting.source, posting.reference),
            hold=_hold_of(posting),
            metadata=json.dumps(posting.details, ensure_ascii=False, indent=2) if posting.details else "",
            return_url=self.get_url(".index_view"),
        )


def _fitting(words: str) -> Any:
    """Postings whose reference begins so, or of members whom the words fit."""
    found = select(Member.telegram_id).where(Member.tenant_id == tenant_id(), members.matching(words))
    people = list(db.session.scalars(found.limit(MOST_PEOPLE)))
    if (number := read_number(words)) is not None:
        people.append(number)
    accounts = db.session.scalars(
        select(CreditAccount.id).where(
            CreditAccount.tenant_id == tenant_id(), CreditAccount.telegram_id.in_(people)
        )
    ).all()
    named = figures.with_reference(tenant_id(), words)
    either = [
        column.in_(ids)
        for column, ids in ((CreditPosting.account_id, accounts), (CreditPosting.id, named))
        if ids
    ]
    return or_(false(), *either)


def _hold_of(posting: CreditPosting) -> CreditHold | None:
    """The hold that a posting captured."""
    return db.session.scalar(
        select(CreditHold).where(
            CreditHold.tenant_id == tenant_id(),
            CreditHold.source == posting.source,
            CreditHold.reference == posting.reference,
            CreditHold.posting_id == posting.id,
        )
    )


def views() -> list[Any]:
    """The views of this feature."""
    return [
        CreditPostingsView(CreditPosting, _l("Postings"), endpoint="credit_postings", url="credit-postings")
    ]
