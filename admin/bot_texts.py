"""What a bot says: its main texts in each language, and the boss's own buttons in the menu, with a live preview."""

from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectChoice, StringField, TextAreaField
from wtforms.validators import InputRequired

from admin.acts import row_id, sent
from admin.base import PageView
from admin.bot_parts import chosen_bot
from admin.changes import refuse
from admin.forms import AdminForm, CleanStringField
from admin.guard import tenant_id, viewer
from app.core.errors import AppError, NotFound
from app.core.i18n import EN, LOCALES, ZH, translate
from app.core.queue import transaction
from app.domain.bot_texts import MAIN_TEXTS, MAX_LABEL, PLACEHOLDERS, MainText, check_text, written
from app.domain.people import Role
from app.models import Bot
from app.services import bot_texts, bots

MOST_BOTS = 100
LANGUAGES = ((ZH, "中文"), (EN, "English"))


class TextsForm(AdminForm):
    """One field for each main text, by its key."""

    also_posted = frozenset({"id", "lang", "reset"})


for _main in MAIN_TEXTS.values():
    setattr(
        TextsForm,
        _main.key,
        StringField(_l(_main.title)) if _main.button else TextAreaField(_l(_main.title)),
    )


class ItemForm(AdminForm):
    """A button of the boss's own."""

    also_posted = frozenset({"id", "lang", "item"})
    label = CleanStringField(
        _l("Label"), [InputRequired()], render_kw={"maxlength": MAX_LABEL, "autocomplete": "off"}
    )
    kind = RadioField(
        _l("What it does"),
        default="text",
        choices=[SelectChoice("text", _l("Shows a text")), SelectChoice("link", _l("Opens a link"))],
    )
    reply = TextAreaField(_l("Text"), render_kw={"rows": 4})
    url = CleanStringField(_l("Link"), render_kw={"placeholder": "https://", "inputmode": "url"})


class BotTextsView(PageView):
    """`/admin/bot-texts/`."""

    icon = "message-circle"
    order = 12
    lead = _l("What people read when they talk with your bot.")
    roles: ClassVar[dict[str, Role | None]] = dict.fromkeys(
        ("save", "reset", "add_item", "change_item", "raise_item", "remove_item"), Role.MANAGER
    )

    @expose("/")
    def index(self) -> Any:
        """The texts of one bot in one language; the first bot where none is named."""
        first = None if "id" in request.args else bots.list_bots(tenant_id(), limit=1)
        if first == []:
            return self.render("admin/bot_texts/none.html")
        return self._page(first[0] if first else chosen_bot())

    @expose("/save/", methods=("POST",))
    def save(self) -> Any:
        """Keeps what differs from the defaults."""
        bot, locale = chosen_bot(), _locale()
        form = TextsForm(request.form)
        good = form.validate()
        entered = {key: form[key].data or "" for key in MAIN_TEXTS if key in request.form}
        for key, body in entered.items():
            try:
                check_text(MAIN_TEXTS[key], body)
            except AppError as error:
                form.add_error(error.text(str(get_locale())), key)
                good = False
        if not good:
            return self._page(bot, form=form)
        with transaction():
            bot_texts.save_texts(bot, locale, entered)
        flash(gettext("Saved. Your bot says it from now on."), "success")
        return self._back(bot)

    @expose("/reset/", methods=("POST",))
    def reset(self) -> Any:
        """Brings one default text back."""
        bot, key = chosen_bot(), request.form.get("reset", "")
        if key not in MAIN_TEXTS:
            raise NotFound
        with transaction():
            bot_texts.reset_text(bot, key, _locale())
        flash(gettext("The default text is back."), "success")
        return self._back(bot)

    @expose("/buttons/add/", methods=("POST",))
    def add_item(self) -> Any:
        """Adds a button to the menu."""
        bot, form = chosen_bot(), ItemForm(request.form)
        return self._save_item(bot, form, lambda values: bot_texts.add_item(bot, *values))

    @expose("/buttons/change/", methods=("POST",))
    def change_item(self) -> Any:
        """Rewrites a button."""
        bot, form, item = chosen_bot(), ItemForm(request.form), row_id(request.form.get("item", ""))
        return self._save_item(bot, form, lambda values: bot_texts.change_item(bot, item, *values), item)

    @expose("/buttons/up/", methods=("POST",))
    def raise_item(self) -> Any:
        """Moves a button up."""
        bot, item = chosen_bot(), row_id(sent("id", "lang", "item")[2])
        with transaction():
            bot_texts.raise_item(bot, item)
        return self._back(bot, "buttons")

    @expose("/buttons/remove/", methods=("POST",))
    def remove_item(self) -> Any:
        """Takes a button away."""
        bot, item = chosen_bot(), row_id(sent("id", "lang", "item")[2])
        with transaction():
            bot_texts.remove_item(bot, item)
        return self._back(bot, "buttons")

    def _save_item(self, bot: Bot, form: Any, write: Any, item: int | None = None) -> Any:
        if form.validate():
            reply = form.reply.data if form.kind.data == "text" else None
            url = form.url.data if form.kind.data == "link" else None
            try:
                with transaction():
                    write((form.label.data, reply, url))
            except NotFound:
                raise
            except AppError as error:
                refuse(error, form)
            else:
                flash(gettext("Saved. Your bot shows it from now on."), "success")
                return self._back(bot, "buttons")
        return self._page(bot, item_form=form, editing=item)

    def _page(self, bot: Bot, form: Any = None, item_form: Any = None, editing: int | None = None) -> str:
        locale, own = _locale(), bot_texts.load(bot.id)
        if form is None:
            form = TextsForm(
                data={key: own.bodies.get((key, locale)) or _default(key, locale) for key in MAIN_TEXTS}
            )
        if item_form is None:
            wanted = request.args.get("item", "")
            item = next((item for item in own.items if str(item.id) == wanted), None)
            editing = item.id if item else None
            item_form = ItemForm(data=_entered(item) if item else None)
        return self.render(
            "admin/bot_texts/index.html",
            bot=bot,
            bots=bots.list_bots(tenant_id(), limit=MOST_BOTS),
            locale=locale,
            languages=LANGUAGES,
            mains=[(main, form[main.key]) for main in MAIN_TEXTS.values()],
            form=form,
            defaults={key: _default(key, locale) for key in MAIN_TEXTS},
            own=own,
            item_form=item_form,
            editing=editing,
            placeholders=_placeholders,
            sample={"name": viewer().name or "Lin", "bot": f"@{bot.username}"},
            may_change=viewer().may(Role.MANAGER),
        )

    @staticmethod
    def _back(bot: Bot, anchor: str | None = None) -> Any:
        return redirect(url_for(".index", id=bot.id, lang=_locale(), _anchor=anchor), 303)


def _locale() -> str:
    """The language whose texts are shown: the one asked for, else the viewer's."""
    asked = request.values.get("lang", "")
    if asked in LOCALES:
        return asked
    mine = str(get_locale())
    return mine if mine in LOCALES else ZH


def _default(key: str, locale: str) -> str:
    return translate(locale, MAIN_TEXTS[key].default)


def _entered(item: bot_texts.Item) -> dict[str, object]:
    kind = "link" if item.url else "text"
    return {"label": item.label, "kind": kind, "reply": item.reply, "url": item.url}


def _placeholders(main: MainText) -> list[tuple[str, str]]:
    """(as it is written, what it stands for)."""
    return [(written(name), gettext(PLACEHOLDERS[name])) for name in main.placeholders]


def views() -> list[Any]:
    """The views of this feature."""
    return [BotTextsView(_l("Texts and menu"), endpoint="bot_texts", url="bot-texts")]
