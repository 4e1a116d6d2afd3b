"""Forms of the pages about promoters: an adjustment, a new promoter, the terms."""

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, IntegerField, RadioField, SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from admin.credits import MEMBERS
from admin.forms import AdminForm, CleanStringField
from admin.lookups import SearchSelectField
from app.domain.affiliates import DEFAULT_WINDOW_DAYS, MAX_NOTE, MAX_TERMS, MAX_WINDOW_DAYS
from app.domain.money import EXPONENTS, STARS, Money, read_money
from app.services.affiliates.terms import Terms

GIVE, TAKE = "give", "take"
LEAST = "least_"
CURRENCIES = [currency for currency in EXPONENTS if currency != STARS]


class AdjustForm(AdminForm):
    """A change by hand. `reference` makes sure that a form that is sent twice counts once."""

    direction = RadioField(
        _l("What to do"),
        choices=[
            SelectChoice(GIVE, _l("Add to the balance")),
            SelectChoice(TAKE, _l("Take off the balance")),
        ],
        default=GIVE,
    )
    currency = SelectField(_l("Currency"), choices=[SelectChoice(one, one) for one in CURRENCIES])
    amount = CleanStringField(
        _l("Amount"), [InputRequired(), Length(max=20)], render_kw={"inputmode": "decimal"}
    )
    reason = CleanStringField(
        _l("Reason"), [InputRequired(), Length(max=MAX_NOTE)], description=_l("The promoter can read it.")
    )
    reference = HiddenField(default=lambda: uuid4().hex, validators=[Length(max=64)])

    def money(self) -> Money:
        """The signed amount. Raises BadInput."""
        wanted = read_money(self.amount.data, self.currency.data)
        return wanted if self.direction.data == GIVE else Money(-wanted.minor, wanted.currency)


class NewPromoterForm(AdminForm):
    """Whom the boss makes a promoter."""

    member_id = SearchSelectField(
        _l("Member"),
        [DataRequired()],
        lookup=MEMBERS,
        url=lambda: url_for("promoters.ajax_lookup", name="member"),
    )


class TermsForm(AdminForm):
    """How promoting works; `with_currencies` adds the fields of the least withdrawals."""

    enabled = BooleanField(
        _l("Members may promote"),
        description=_l("Off: links bind nobody, nobody earns anything new, and the menu does not offer it."),
        render_kw={"data-switch": "1"},
    )
    window_days = IntegerField(
        _l("How long somebody counts for his promoter"),
        [InputRequired(), NumberRange(min=1, max=MAX_WINDOW_DAYS)],
        default=DEFAULT_WINDOW_DAYS,
        description=_l(
            "In days, from the moment he first opens the link. It holds for people who come from now on."
        ),
    )
    words = TextAreaField(
        _l("Your terms"),
        [Optional(), Length(max=MAX_TERMS)],
        render_kw={"rows": 6},
        description=_l(
            "People read them before they become promoters: what is welcome, what is not, when you pay."
        ),
    )

    def terms(self, currencies: Iterable[str]) -> Terms:
        """What was filled in. Raises BadInput."""
        least = {}
        for currency in currencies:
            text = (self[f"{LEAST}{currency}"].data or "").strip()
            least[currency] = read_money(text, currency).minor if text else 0
        return Terms(
            bool(self.enabled.data),
            self.window_days.data,
            {currency: minor for currency, minor in least.items() if minor},
            (self.words.data or "").replace("\r\n", "\n").strip(),
        )


def with_currencies(currencies: Iterable[str]) -> type[TermsForm]:
    """The form with one field for each currency that is paid out."""
    fields: dict[str, Any] = {
        f"{LEAST}{currency}": CleanStringField(
            gettext("Smallest withdrawal in %(currency)s", currency=currency),
            [Optional(), Length(max=20)],
            render_kw={"inputmode": "decimal", "placeholder": "0"},
        )
        for currency in currencies
    }
    return type("TermsForm", (TermsForm,), fields)
