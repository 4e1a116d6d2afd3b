"""The forms of projects and their keys, and the words of what may be wrong with a list of addresses."""

from datetime import timedelta
from ipaddress import ip_network
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, IntegerField, SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from admin.forms import AdminForm, CleanStringField, LocalDateTimeField
from app.core import clock
from app.domain.credit_clients import BURST, RATE, Scope
from app.domain.credits import OWN_SOURCES, SOURCE
from app.domain.tenants import MAX_NAME
from app.services.credit_clients.manage import FASTEST, MOST_NETWORKS

MAX_SOURCE = 32
OVERLAPS: dict[int, Any] = {
    0: _l("Ends at once"),
    1: _l("1 hour"),
    24: _l("1 day"),
    72: _l("3 days"),
    168: _l("7 days"),
}


class LimitsForm(AdminForm):
    """What may be changed about a project later."""

    also_posted = frozenset({"id"})
    name = CleanStringField(_l("Name"), [InputRequired(), Length(max=MAX_NAME)])
    rate = IntegerField(
        _l("Calls per second"),
        [InputRequired(), NumberRange(1, FASTEST)],
        default=RATE,
        render_kw={"inputmode": "numeric"},
    )
    burst = IntegerField(
        _l("Calls at once"),
        [InputRequired(), NumberRange(1, FASTEST)],
        default=BURST,
        render_kw={"inputmode": "numeric"},
    )


class ClientForm(AdminForm):
    """A new project."""

    name = CleanStringField(_l("Name"), [InputRequired(), Length(max=MAX_NAME)])
    source = CleanStringField(
        _l("Source"),
        [InputRequired(), Length(max=MAX_SOURCE)],
        render_kw={"autocapitalize": "off", "autocomplete": "off", "spellcheck": "false"},
    )

    def validate_source(self, field: Any) -> None:
        """Letters that can be signed, and none of our own names."""
        if not SOURCE.fullmatch(field.data):
            raise ValidationError(gettext("Only letters a-z, digits and the signs - _ . can be used."))
        if field.data.lower() in OWN_SOURCES:
            raise ValidationError(
                gettext(
                    "“%(name)s” is a name that Laoban posts under itself. Choose another.", name=field.data
                )
            )


class KeyForm(AdminForm):
    """A new key."""

    also_posted = frozenset({"client"})
    may_post = BooleanField(_l("Add and deduct credits"), default=True)
    may_read = BooleanField(_l("Read balances and history"), default=True)
    expires_at = LocalDateTimeField(_l("Works until"), [Optional()])
    networks = TextAreaField(
        _l("Only from these addresses"),
        [Optional(), Length(max=2000)],
        render_kw={
            "rows": 3,
            "spellcheck": "false",
            "autocapitalize": "off",
            "placeholder": "203.0.113.7\n198.51.100.0/24",
        },
    )
    allow_v1 = BooleanField(_l("Allow signatures of version 1"))

    def validate_may_read(self, field: Any) -> None:
        """A key that may do nothing is a mistake."""
        if not (field.data or self.may_post.data):
            raise ValidationError(gettext("Choose at least one."))

    def validate_expires_at(self, field: Any) -> None:
        """A key that has ended already is a mistake too."""
        if field.data and field.data <= clock.now():
            raise ValidationError(gettext("This moment is over."))

    def validate_networks(self, field: Any) -> None:
        """Says what is wrong line by line."""
        problems = [told for number, line in _lines(field.data) if (told := _wrong(number, line))]
        if problems:
            raise ValidationError(" ".join(problems))
        if len(self.cidrs()) > MOST_NETWORKS:
            raise ValidationError(gettext("At most %(most)s addresses.", most=MOST_NETWORKS))

    def cidrs(self) -> list[str]:
        """The networks in their one form; an address alone is a network of one."""
        return list(dict.fromkeys(str(ip_network(line)) for _, line in _lines(self.networks.data)))

    def scopes(self) -> frozenset[Scope]:
        """What the key may do."""
        chosen = {Scope.READ: self.may_read.data, Scope.POST: self.may_post.data}
        return frozenset(scope for scope, wanted in chosen.items() if wanted)


class RotateForm(AdminForm):
    """How long the old key goes on."""

    also_posted = frozenset({"id"})
    overlap = SelectField(
        _l("The old key works for"),
        coerce=int,
        choices=[SelectChoice(hours, words) for hours, words in OVERLAPS.items()],
        default=24,
    )

    def lasts(self) -> timedelta:
        """The chosen time."""
        return timedelta(hours=self.overlap.data)


def _lines(text: str | None) -> list[tuple[int, str]]:
    cells = [(number, line.strip()) for number, line in enumerate((text or "").splitlines(), 1)]
    return [(number, line) for number, line in cells if line]


def _wrong(number: int, line: str) -> str:
    """What is wrong with a line; empty when nothing is."""
    try:
        ip_network(line)
    except ValueError:
        pass
    else:
        return ""
    try:
        meant = str(ip_network(line, strict=False))
    except ValueError:
        return str(gettext("Line %(line)s: “%(text)s” is no address.", line=number, text=line[:50]))
    return str(
        gettext(
            "Line %(line)s: “%(text)s” is an address inside a network; the network is %(meant)s.",
            line=number,
            text=line[:50],
            meant=meant,
        )
    )
