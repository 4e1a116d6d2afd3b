"""The bot's main texts, which a boss may rewrite, and the buttons of his own in its menu.

Placeholders are `{{name}}` and are replaced by strings from a list, once: no template language, no formatting of
attributes, and nothing that a user is called is read as a placeholder.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.core.errors import BadInput
from app.core.i18n import N_
from app.domain.sending import MAX_TEXT, utf16_length

MAX_PLACEHOLDERS = 20
MAX_LABEL = 40
MAX_URL = 512
MAX_ITEMS = 20
_PLACEHOLDER = re.compile(r"\{\{[ \t]{0,8}([a-z_]{1,30})[ \t]{0,8}\}\}")
_ANY_BRACES = re.compile(r"\{\{([^{}\n]{0,60})\}?\}?")
_CONTROL = re.compile("[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MainText:
    """A text that the boss may rewrite. Title, hint and default are msgids."""

    key: str
    title: str
    hint: str
    default: str
    placeholders: tuple[str, ...] = ()
    limit: int = MAX_TEXT
    button: bool = False
    """It is the label of a menu button."""


MAIN_TEXTS: dict[str, MainText] = {
    main.key: main
    for main in (
        MainText(
            "welcome",
            N_("Welcome"),
            N_("The first thing people see when they press Start."),
            N_("Hello {{name}}, welcome!\n\nWhat can I do for you?"),
            ("name", "bot"),
        ),
        MainText(
            "help",
            N_("Help"),
            N_("The answer to /help and to the help button."),
            N_(
                "Use the buttons of the menu, that is all you need.\n\n"
                "/start - open the menu\n/shop - the shop\n/orders - my orders\n"
                "/lottery - open lotteries\n/mylotteries - my lotteries\n/points - my credits\n"
                "/language - change the language\n/cancel - stop what you are doing"
            ),
            ("name", "bot"),
        ),
        MainText(
            "unknown",
            N_("Not understood"),
            N_("The answer to a message that the bot does not understand."),
            N_("Sorry, I did not understand that. Please choose from the menu:"),
            ("name", "bot"),
        ),
        MainText(
            "menu_shop",
            N_("Shop button"),
            N_("A button of the menu."),
            N_("🛒 Shop"),
            limit=MAX_LABEL,
            button=True,
        ),
        MainText(
            "menu_orders",
            N_("My orders button"),
            N_("A button of the menu."),
            N_("📦 My orders"),
            limit=MAX_LABEL,
            button=True,
        ),
        MainText(
            "menu_points",
            N_("My credits button"),
            N_("A button of the menu, there once anybody has had credits."),
            N_("💰 My credits"),
            limit=MAX_LABEL,
            button=True,
        ),
        MainText(
            "menu_lotteries",
            N_("Lotteries button"),
            N_("A button of the menu."),
            N_("🎁 Lotteries"),
            limit=MAX_LABEL,
            button=True,
        ),
        MainText(
            "menu_my_lotteries",
            N_("My lotteries button"),
            N_("A button of the menu."),
            N_("🎊 My lotteries"),
            limit=MAX_LABEL,
            button=True,
        ),
        MainText(
            "menu_promote",
            N_("Promoting button"),
            N_("A button of the menu, there once a product on sale pays a commission."),
            N_("📣 Promote and earn"),
            limit=MAX_LABEL,
            button=True,
        ),
        MainText(
            "menu_help",
            N_("Help button"),
            N_("A button of the menu."),
            N_("❓ Help"),
            limit=MAX_LABEL,
            button=True,
        ),
        MainText(
            "menu_language",
            N_("Language button"),
            N_("A button of the menu."),
            N_("🌐 Language"),
            limit=MAX_LABEL,
            button=True,
        ),
    )
}
PLACEHOLDERS = {
    "name": N_("the person's first name"),
    "bot": N_("the bot's @username"),
}


class TextTooLong(BadInput):
    code = "text_too_long"
    message = N_("This text has %(count)s characters; Telegram allows %(limit)s.")


class UnknownPlaceholder(BadInput):
    code = "unknown_placeholder"
    message = N_("There is no placeholder %(found)s here. You may use: %(known)s.")


class TooManyPlaceholders(BadInput):
    code = "too_many_placeholders"
    message = N_("At most %(limit)s placeholders fit into one text.")


class LabelMissing(BadInput):
    code = "label_missing"
    message = N_("A button needs a label.")


class LinkNotValid(BadInput):
    code = "link_not_valid"
    message = N_("A button's link must be a complete address that begins with https://")


class ReplyOrLink(BadInput):
    code = "reply_or_link"
    message = N_("A button either shows a text or opens a link: fill in one of the two.")


def fill(template: str, values: Mapping[str, str]) -> str:
    """Replaces the known placeholders; everything else stays as it is written."""
    if "{{" not in template:
        return template
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), template)


def written(name: str) -> str:
    """A placeholder as it stands in a text."""
    return "{{" + name + "}}"


def check_text(main: MainText, body: str) -> str:
    """The text as it will be kept. Raises BadInput with the reason."""
    body = _cleaned(body, main.limit)
    found = [match[0] for match in _ANY_BRACES.finditer(body)]
    if len(found) > MAX_PLACEHOLDERS:
        raise TooManyPlaceholders(limit=MAX_PLACEHOLDERS)
    for braces in found:
        placeholder = _PLACEHOLDER.fullmatch(braces)
        if placeholder is None or placeholder[1] not in main.placeholders:
            raise UnknownPlaceholder(found=braces, known=", ".join(map(written, main.placeholders)) or "-")
    if main.button and "\n" in body:
        body = " ".join(body.split())
    return body


def check_item(label: str, reply: str | None, url: str | None) -> tuple[str, str | None, str | None]:
    """A menu button of the boss's own: (label, text, link), exactly one of the latter. Raises BadInput."""
    label = " ".join(_cleaned(label, MAX_LABEL).split())
    if not label:
        raise LabelMissing
    reply, url = _cleaned(reply or "", MAX_TEXT) or None, (url or "").strip() or None
    if (reply is None) == (url is None):
        raise ReplyOrLink
    return label, reply, check_link(url) if url else None


def check_link(url: str) -> str:
    """An address that Telegram takes for a button: one bad link would take the whole menu with it."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise LinkNotValid from None
    plain = (
        len(url) <= MAX_URL and url.isascii() and url.isprintable() and not re.search(r"[\s\"<>\\^`{|}]", url)
    )
    if (
        not plain
        or parts.scheme != "https"
        or parts.username is not None
        or not _HOST.fullmatch(host)
        or port == 0
    ):
        raise LinkNotValid
    return url


def _cleaned(body: str, limit: int) -> str:
    if len(body) > limit * 4:
        raise TextTooLong(count=len(body), limit=limit)
    body = _CONTROL.sub("", body.replace("\r\n", "\n")).strip()
    if (count := utf16_length(body)) > limit:
        raise TextTooLong(count=count, limit=limit)
    return body
