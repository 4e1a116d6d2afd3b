"""Forms and words of the bots' pages, and which bot a request means."""

from typing import Any

import segno
from flask import request
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import RadioField, SelectChoice, TextAreaField
from wtforms.validators import InputRequired, Length

from admin.acts import row_id
from admin.forms import AdminForm
from admin.guard import tenant_id
from app.core.errors import NotFound
from app.core.i18n import translate
from app.domain.bot_health import Reading, Repair
from app.domain.bots import Mode
from app.models import Bot
from app.services import bots

MAX_PASTED = 4096
REPAIRS: dict[Repair, tuple[Any, str, Any]] = {
    Repair.TAKE_OVER: (
        _l("Take the bot over"),
        "zap",
        _l("The other service will not get this bot's messages any more. Nothing that waits is lost."),
    ),
    Repair.REGISTER_WEBHOOK: (_l("Register the webhook again"), "webhook", ""),
    Repair.USE_POLLING: (_l("Switch to polling"), "repeat", ""),
    Repair.RETRY: (_l("Try again now"), "refresh-cw", ""),
    Repair.START: (_l("Start the bot"), "play", ""),
}
"""Label, icon and question of the repairs that need nothing from the boss but a click."""
MODES = [
    SelectChoice(Mode.POLLING.value, _l("Polling: we fetch the messages. Works everywhere.")),
    SelectChoice(Mode.WEBHOOK.value, _l("Webhook: Telegram brings the messages. The fastest way.")),
]


class TokenForm(AdminForm):
    """A token as @BotFather gives it."""

    also_posted = frozenset({"id"})
    token = TextAreaField(
        _l("Token"),
        [InputRequired(), Length(max=MAX_PASTED)],
        description=_l("You may paste @BotFather's whole message; we find the token in it."),
        render_kw={
            "rows": 3,
            "autocomplete": "off",
            "spellcheck": "false",
            "autocapitalize": "off",
            "placeholder": "123456789:AAE…",
            "class": "form-control mono",
        },
    )


class NewBotForm(TokenForm):
    """A new bot; the mode can only be chosen where the platform has a public address."""

    mode = RadioField(_l("How messages come in"), choices=MODES, default=Mode.POLLING.value)


def chosen_bot() -> Bot:
    """The bot that `id` names. NotFound for another tenant's, a removed one, and where two are named."""
    ids = set(request.values.getlist("id"))
    if len(ids) != 1:
        raise NotFound
    bot = bots.get(row_id(ids.pop()))
    if bot.tenant_id != tenant_id() or bot.removed_at is not None:
        raise NotFound
    return bot


def words(reading: Reading) -> str:
    """A reading in the viewer's language."""
    return translate(str(get_locale()), reading.text, **reading.params)


def qr_code(link: str) -> Markup:
    """Inline SVG that takes its size from the page."""
    drawn = segno.make(link, error="m").svg_inline(
        border=0, omitsize=True, svgclass="qr-code", lineclass=None
    )
    return Markup(drawn)  # noqa: S704 - drawn by segno from an address of ours
