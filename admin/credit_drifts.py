"""Comparing balances with a partner's: a file of his is uploaded, or his program compared by the API."""

from typing import IO, Any

from flask import redirect, request, url_for
from flask_admin import expose
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import BooleanField, FileField
from wtforms.validators import InputRequired, Length

from admin.base import PageView
from admin.changes import refuse
from admin.credit_client_parts import chosen
from admin.credit_partner_parts import accounts_of
from admin.credit_parts import members_of, name_of
from admin.exports import download
from admin.forms import AdminForm, CleanStringField, RowSelectField
from admin.guard import tenant_id, viewer
from admin.lotteries import page_number
from admin.menu import Group
from app.core import csv_files
from app.core.db import db
from app.core.errors import AppError, NotAllowed, NotFound
from app.core.queue import transaction
from app.domain.balance_csv import MAX_BYTES, MAX_LINES, BadBalances, parse
from app.domain.credit_sync import MAX_NAME
from app.domain.people import Role
from app.models import CreditDrift, CreditDriftLine, CreditPartner
from app.services import audit
from app.services.credit_sync import drift

COLUMNS = ("telegram_id", "ours", "theirs", "difference", "undelivered", "explained")


class DriftForm(AdminForm):
    """Whose balances, and the file."""

    name = CleanStringField(_l("Whose balances"), [InputRequired(), Length(max=MAX_NAME)])
    partner_id = RowSelectField(
        _l("Partner of the outgoing sync"),
        model=CreditPartner,
        shown=lambda partner: partner.name,
        blank=_l("Not in the outgoing sync"),
    )
    file = FileField(_l("CSV file"), render_kw={"accept": ".csv,.txt,text/csv"})
    whole = BooleanField(_l("The file holds all accounts of the partner"))

    def raw(self) -> bytes:
        """The file's bytes, one more than allowed where it is too large."""
        found = request.files.get("file")
        return found.stream.read(MAX_BYTES + 1) if found else b""


class CreditDriftsView(PageView):
    """`/admin/credit-drifts/`."""

    role = Role.MANAGER
    group, menu_of = Group.MONEY, "credit_overview"
    lead = _l("Does a partner have the same balances as you? Compare, and see why not.")
    max_upload = MAX_BYTES

    @expose("/")
    def index_view(self) -> Any:
        """Comparisons so far."""
        found = drift.list_(tenant_id(), page_number())
        return self.render(
            "admin/credit_drifts/list.html", rows=found.drifts, page=found.number, more=found.more
        )

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """Takes a file."""
        form: Any = DriftForm(request.form or None)
        bad: BadBalances | None = None
        if request.method == "POST" and form.validate():
            try:
                made = _compared(form)
            except BadBalances as error:
                bad = error
            else:
                if made is not None:
                    return redirect(url_for(".details_view", id=made), 303)
        return self.render(
            "admin/credit_drifts/new.html",
            form=form,
            bad=bad,
            locale=str(get_locale()),
            most=MAX_LINES,
            partners=_has_partners(),
        )

    @expose("/details/")
    def details_view(self) -> Any:
        """One comparison."""
        found = chosen(CreditDrift)
        page = drift.lines(found.id, page_number())
        numbers = [line.telegram_id for line in page.lines]
        accounts, known = accounts_of(numbers), members_of(numbers)
        return self.render(
            "admin/credit_drifts/details.html",
            drift=found,
            partner=db.session.get(CreditPartner, found.partner_id) if found.partner_id else None,
            rows=[
                (line, accounts.get(line.telegram_id), name_of(line.telegram_id, known), _explained(line))
                for line in page.lines
            ],
            page=page.number,
            more=page.more,
        )

    @expose("/csv/")
    def export(self) -> Any:
        """All differences as a CSV file."""
        found = chosen(CreditDrift)
        with transaction():
            # Whoever takes balances along is named in the log.
            audit.record(tenant_id(), "credit_drift.exported", ("credit_drift", found.id, found.name))
            return download(lambda file: _write(file, found.id), "text/csv", f"differences-{found.id}.csv")


def _compared(form: DriftForm) -> int | None:
    """The comparison's number; None for what the form then says. Raises BadBalances."""
    try:
        pairs = parse(form.raw())
        with transaction():
            return drift.compare(
                tenant_id(),
                form.name.data,
                pairs,
                by=viewer().email,
                partner_id=form.partner_id.data,
                whole=form.whole.data,
            ).id
    except (BadBalances, NotFound, NotAllowed):
        raise
    except AppError as error:
        error.params.setdefault("field", "file")
        refuse(error, form)
    finally:
        # Large uploads lie on the disk until they are closed.
        request.close()
    return None


def _has_partners() -> bool:
    return (
        db.session.scalar(select(CreditPartner.id).where(CreditPartner.tenant_id == tenant_id()).limit(1))
        is not None
    )


def difference(line: CreditDriftLine) -> int:
    """What we have more than the partner."""
    return (line.ours or 0) - (line.theirs or 0)


def _explained(line: CreditDriftLine) -> bool:
    return difference(line) == line.undelivered


def _write(file: IO[bytes], drift_id: int) -> None:
    query = (
        select(CreditDriftLine)
        .where(CreditDriftLine.drift_id == drift_id)
        .order_by(CreditDriftLine.telegram_id)
    )
    rows = db.session.scalars(query.execution_options(yield_per=1000))
    csv_files.write(
        file,
        COLUMNS,
        (
            (
                line.telegram_id,
                line.ours,
                line.theirs,
                difference(line),
                line.undelivered,
                int(_explained(line)),
            )
            for line in rows
        ),
    )


def views() -> list[Any]:
    """The views of this feature."""
    return [CreditDriftsView(_l("Differences"), endpoint="credit_drifts", url="credit-drifts")]
