"""What tests of lotteries do and see in a chat."""

from app.core.db import db
from app.models import LotteryEntry
from tests.joining import meet
from tests.sandbox_client import LIN, Json
from tests.talking import Talk

NEWS = "@news_of_a"
JOIN = "🎁 Join now"


def alert(talk: Talk, label: str, user: int = LIN, **more) -> Json:
    """A person presses a button; what pops up."""
    pressed = talk.telegram.press(talk.bot, user, label, **more)
    talk.feed()
    chat = more.get("chat", user)
    return talk.telegram.wait_for_answer(talk.bot, chat, pressed["callback_query_id"])


def urls(talk: Talk, user: int = LIN) -> dict[str, str]:
    """The addresses behind the buttons of the bot's last message, by label."""
    last = next(m for m in reversed(talk.telegram.messages(talk.bot, user)) if m["from"]["is_bot"])
    rows = last["reply_markup"]["inline_keyboard"]
    return {button["text"]: button["url"] for row in rows for button in row if "url" in button}


def entries() -> int:
    db.session.rollback()
    return db.session.query(LotteryEntry).count()


def give_credits(talk: Talk, amount: int, user: int = LIN) -> None:
    meet(talk.config.tenant_id, talk.config.id, user, credit=amount)
