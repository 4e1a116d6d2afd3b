"""Links into Telegram: what opens a bot with a word, and what sends a link on to friends."""

from urllib.parse import quote


def start_link(bot: str | None, word: str) -> str:
    """Opens the bot and says `/start <word>` to it; empty where the bot has no name yet."""
    return f"https://t.me/{bot}?start={word}" if bot else ""


def product_link(bot: str | None, code: str) -> str:
    """Opens a product."""
    return start_link(bot, f"p_{code}")


def order_link(bot: str | None, code: str) -> str:
    """Opens a buyer's own order."""
    return start_link(bot, f"o_{code}")


def promoter_link(bot: str | None, code: str) -> str:
    """A promoter's own link."""
    return start_link(bot, f"r_{code}")


def share_link(url: str, text: str) -> str:
    """Opens Telegram's list of chats, with a link and words to send on."""
    return f"https://t.me/share/url?url={quote(url, safe='')}&text={quote(text, safe='')}"
