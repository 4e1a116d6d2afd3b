"""The form of a broadcast: text, picture, buttons and who gets it."""

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select
from wtforms import (
    FieldList,
    Form,
    FormField,
    IntegerField,
    RadioField,
    SelectChoice,
    SelectField,
    TextAreaField,
)
from wtforms.validators import Length, Optional

from admin.forms import AdminForm, CleanStringField, RowSelectField
from admin.pictures import PictureField
from app.domain.broadcasts import (
    MAX_BUTTONS,
    MAX_LABEL,
    MAX_NAME,
    Audience,
    AudienceKind,
    Button,
    Content,
)
from app.domain.lotteries import LotteryState
from app.domain.products import ProductState
from app.models import Bot, Broadcast, Lottery, Product
from app.services import broadcasts

AUDIENCES = {
    AudienceKind.ALL: _l("Everybody who wrote to the bot"),
    AudienceKind.ACTIVE: _l("People who were here lately"),
    AudienceKind.INACTIVE: _l("People who have not been here for a while"),
    AudienceKind.LANGUAGE: _l("People of one language"),
    AudienceKind.ENTRANTS: _l("Entrants of a lottery"),
    AudienceKind.BUYERS: _l("People who have bought something"),
}
LANGUAGES = {"zh": "中文", "en": "English"}
DAYS = 30


def _of_use(query: Select[Any]) -> Select[Any]:
    return query.where(Bot.removed_at.is_(None)).order_by(Bot.id)


def _published(query: Select[Any]) -> Select[Any]:
    unseen = (LotteryState.DRAFT, LotteryState.SCHEDULED)
    return query.where(Lottery.state.not_in(unseen)).order_by(Lottery.id.desc())


def _sold(query: Select[Any]) -> Select[Any]:
    return query.where(Product.state != ProductState.DRAFT).order_by(Product.id.desc())


class ButtonRow(Form):
    """A button; a row without label and link counts as none."""

    class Meta:
        """The token is the outer form's."""

        csrf = False

        def get_translations(self, form: Any) -> Any:
            """Texts in the viewer's language."""
            return AdminForm.Meta().get_translations(form)

    label = CleanStringField(_l("Label"), [Length(max=MAX_LABEL)])
    url = CleanStringField(_l("Link"), render_kw={"inputmode": "url", "placeholder": "https://"})


class BroadcastForm(AdminForm):
    """What a boss enters. Limits that depend on each other are the service's affair."""

    also_posted = frozenset({"id"})

    bot_id = RowSelectField(
        _l("Bot"), model=Bot, shown=lambda bot: bot.name or f"@{bot.username}", narrow=_of_use
    )
    name = CleanStringField(
        _l("Name"),
        [Optional(), Length(max=MAX_NAME)],
        description=_l("Only you see it. Empty means the beginning of the text."),
    )
    body = TextAreaField(_l("Message"), render_kw={"rows": 9})
    picture = PictureField(_l("Picture"), [Optional()])
    buttons = FieldList(FormField(ButtonRow), max_entries=MAX_BUTTONS)
    kind = RadioField(
        _l("Who gets it"),
        choices=[SelectChoice(kind.value, words) for kind, words in AUDIENCES.items()],
        default=AudienceKind.ALL.value,
    )
    days = IntegerField(_l("Days"), [Optional()], default=DAYS)
    language = SelectField(
        _l("Language"), validate_choice=False, choices=[SelectChoice(*pair) for pair in LANGUAGES.items()]
    )
    lottery = RowSelectField(
        _l("Lottery"), model=Lottery, shown=lambda row: row.title, narrow=_published, blank=_l("Choose…")
    )
    product = RowSelectField(
        _l("Product"), model=Product, shown=lambda row: row.name, narrow=_sold, blank=_l("Any product")
    )

    def draft(self) -> broadcasts.Draft:
        """As the service takes it."""
        buttons = tuple(
            Button(row.form.label.data or "", row.form.url.data or "")
            for row in self.buttons
            if row.form.label.data or row.form.url.data
        )
        body = (self.body.data or "").replace("\r\n", "\n").strip()
        return broadcasts.Draft(
            self.name.data or "", Content(body, buttons, self.picture.data), self.audience()
        )

    def audience(self) -> Audience:
        """Who is chosen; a value that does not fit is refused by the service."""
        kind = AudienceKind(self.kind.data)
        values = {
            AudienceKind.ACTIVE: self.days.data,
            AudienceKind.INACTIVE: self.days.data,
            AudienceKind.LANGUAGE: self.language.data,
            AudienceKind.ENTRANTS: self.lottery.data,
            AudienceKind.BUYERS: self.product.data,
        }
        value = values.get(kind)
        return Audience(kind, "" if value is None else str(value))

    def place(self, field: object) -> str | None:
        """Which field of the form a service's error is about."""
        return {"audience": "kind", "picture_id": "picture"}.get(str(field), str(field)) if field else None


def stored(broadcast: Broadcast) -> dict[str, object]:
    """The form's values for one that is kept."""
    audience = broadcasts.audience_of(broadcast)
    found: dict[str, object] = {
        "bot_id": broadcast.bot_id,
        "name": broadcast.name,
        "body": broadcast.body,
        "picture": broadcast.picture_id,
        "buttons": list(broadcast.buttons),
        "kind": audience.kind.value,
    }
    match audience.kind:
        case AudienceKind.ACTIVE | AudienceKind.INACTIVE:
            found["days"] = audience.number
        case AudienceKind.LANGUAGE:
            found["language"] = audience.value
        case AudienceKind.ENTRANTS:
            found["lottery"] = audience.number
        case AudienceKind.BUYERS:
            found["product"] = audience.number if audience.value else None
        case AudienceKind.ALL:
            pass
    return found


def audience_words(audience: Audience, title: str = "") -> str:
    """Who gets it, in a few words; `title` is the lottery's or the product's name."""
    match audience.kind:
        case AudienceKind.ACTIVE:
            return str(gettext("Here within the last %(days)s days", days=audience.value))
        case AudienceKind.INACTIVE:
            return str(gettext("Not here for %(days)s days", days=audience.value))
        case AudienceKind.LANGUAGE:
            return LANGUAGES.get(audience.value, audience.value)
        case AudienceKind.ENTRANTS:
            return str(gettext("Entrants of %(lottery)s", lottery=title or audience.value))
        case AudienceKind.BUYERS if audience.value:
            return str(gettext("Bought: %(product)s", product=title or audience.value))
        case AudienceKind.ALL | AudienceKind.BUYERS:
            return str(AUDIENCES[audience.kind])
