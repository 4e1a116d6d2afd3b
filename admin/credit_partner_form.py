"""The forms of outgoing sync: a partner's address and what is sent there."""

from enum import StrEnum
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectField, SelectMultipleField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from admin.credit_parts import source_names
from admin.forms import AdminForm, CleanStringField
from app.core.safe_url import MAX_URL
from app.domain.credits import OWN_SOURCES
from app.domain.tenants import MAX_NAME
from app.models import CreditPartner


class Which(StrEnum):
    """Which changes a partner gets."""

    ALL = "all"
    EXCEPT = "except"
    ONLY = "only"


class SourcesField(SelectMultipleField):
    """Boxes of sources."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class PartnerForm(AdminForm):
    """A partner's name, address, and what is sent there."""

    also_posted = frozenset({"id"})
    name = CleanStringField(_l("Name"), [InputRequired(), Length(max=MAX_NAME)])
    url = CleanStringField(
        _l("Address (URL)"),
        [InputRequired(), Length(max=MAX_URL)],
        render_kw={"type": "url", "inputmode": "url", "autocapitalize": "off", "spellcheck": "false"},
    )
    which = RadioField(
        _l("Which changes"),
        choices=[
            SelectChoice(Which.EXCEPT.value, _l("All but the partner's own")),
            SelectChoice(Which.ALL.value, _l("All of them")),
            SelectChoice(Which.ONLY.value, _l("Only those of some sources")),
        ],
        default=Which.EXCEPT.value,
    )
    except_source = SelectField(_l("The partner's own source"), validate_choice=False)
    sources = SourcesField(_l("Sources"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kept = {*(self.sources.object_data or ()), self.except_source.object_data or ""} - {""}
        names = source_names(kept)
        own = [source for source in names if source not in OWN_SOURCES]
        self.sources.choices = [SelectChoice(source, _shown(source, name)) for source, name in names.items()]
        self.except_source.choices = [SelectChoice(source, _shown(source, names[source])) for source in own]
        if not own and self.which.data == Which.EXCEPT and not self.which.raw_data:
            # Without projects there is no source to leave out.
            self.which.data = Which.ALL.value

    def validate_which(self, field: Any) -> None:
        """What was chosen has to be named."""
        if field.data == Which.ONLY and not self.sources.data:
            raise ValidationError(gettext("Choose at least one source."))
        offered = {choice.value for choice in self.except_source.choices or ()}
        if field.data == Which.EXCEPT and self.except_source.data not in offered:
            raise ValidationError(gettext("Choose the partner's own source. Projects have one."))

    def filters(self) -> dict[str, Any]:
        """`sources` and `except_source` as the service takes them."""
        which = self.which.data
        return {
            "sources": list(dict.fromkeys(self.sources.data)) if which == Which.ONLY else [],
            "except_source": self.except_source.data if which == Which.EXCEPT else None,
        }


class NewPartnerForm(PartnerForm):
    """The same with where to begin."""

    start = RadioField(
        _l("Begin with"),
        choices=[
            SelectChoice("now", _l("Changes from now on")),
            SelectChoice("beginning", _l("All changes that there ever were")),
        ],
        default="now",
    )


def _shown(source: str, name: Any) -> str:
    return source if str(name) == source else f"{name} ({source})"


def stored(partner: CreditPartner) -> dict[str, Any]:
    """What stands in the form."""
    which = Which.ONLY if partner.sources else Which.EXCEPT if partner.except_source else Which.ALL
    return {
        "name": partner.name,
        "url": partner.url,
        "which": which.value,
        "except_source": partner.except_source or "",
        "sources": [str(source) for source in partner.sources],
    }
