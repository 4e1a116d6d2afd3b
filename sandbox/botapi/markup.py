"""Keyboards: checked as the real server checks them."""

from sandbox.botapi.errors import bad_request
from sandbox.shapes import Json

# Each inline button has exactly one of these.
ACTIONS = (
    "url", "callback_data", "web_app", "login_url", "switch_inline_query", "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat", "copy_text", "callback_game", "pay",
)  # fmt: skip
MAX_BUTTONS = 100
# The real limit is said to be 10 KB of stored markup.
MAX_CALLBACK_DATA = 64
LINKS = ("http://", "https://", "tg://", "ton://", "tonsite://")


def inline_keyboard(markup: Json | None) -> Json | None:
    """The checked inline keyboard as messages show it; None for no buttons. Raises ApiError."""
    if not markup:
        return None
    if "inline_keyboard" not in markup:
        raise bad_request("inline keyboard expected")
    rows = rows_of(markup["inline_keyboard"], "inline keyboard")
    for row in rows:
        for button in row:
            check_inline_button(button)
    if sum(len(row) for row in rows) > MAX_BUTTONS:
        raise bad_request("reply markup is too long")
    rows = [row for row in rows if row]
    return {"inline_keyboard": rows} if rows else None


def check_inline_button(button: Json) -> None:
    """One button: a text and exactly one action."""
    prefix = "can't parse inline keyboard button: "
    if not isinstance(button, dict) or not isinstance(button.get("text"), str):
        raise bad_request(prefix + 'Can\'t find field "text"')
    if not button["text"].strip():
        raise bad_request("Text buttons are unallowed in the inline keyboard")
    actions = [name for name in ACTIONS if name in button]
    if len(actions) != 1:
        raise bad_request(prefix + "Text buttons are unallowed in the inline keyboard")
    data = button.get("callback_data")
    if data is not None and not (isinstance(data, str) and 1 <= len(data.encode()) <= MAX_CALLBACK_DATA):
        raise bad_request("BUTTON_DATA_INVALID")
    if "pay" in button and button["pay"] is not True:
        raise bad_request(prefix + 'Field "pay" must be of type Boolean')
    url = button.get("url")
    if url is not None and not (isinstance(url, str) and url.lower().startswith(LINKS)):
        raise bad_request(f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")


def reply_keyboard(markup: Json) -> Json | None:
    """The checked reply keyboard, or None for one that is taken away. Raises ApiError."""
    if markup.get("remove_keyboard"):
        return None
    if markup.get("force_reply"):
        return {"force_reply": True, "input_field_placeholder": markup.get("input_field_placeholder", "")}
    if "keyboard" not in markup:
        raise bad_request("object expected as reply markup")
    rows = [[text_button(button) for button in row] for row in rows_of(markup["keyboard"], "keyboard")]
    if sum(len(row) for row in rows) > 3 * MAX_BUTTONS:
        raise bad_request("reply markup is too long")
    return {**markup, "keyboard": rows}


def text_button(button: object) -> Json:
    """A button of a reply keyboard, which may also come as a bare text."""
    if isinstance(button, str):
        button = {"text": button}
    if not isinstance(button, dict) or not isinstance(button.get("text"), str) or not button["text"]:
        raise bad_request("can't parse keyboard button: Can't find field \"text\"")
    return button


def rows_of(value: object, what: str) -> list[list[Json]]:
    """An array of arrays."""
    if not isinstance(value, list) or not all(isinstance(row, list) for row in value):
        raise bad_request(f'field "{what.replace(" ", "_")}" must be an Array of Arrays')
    return value
