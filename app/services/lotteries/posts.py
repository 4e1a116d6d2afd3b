"""A lottery in channels and groups: the post, its counter, the result. Everything goes out by the outbox.

A post is edited only when it would say something else, and seldom enough that all posts of a chat together stay
under Telegram's 20 messages a minute. At most one call for a post is under way.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2s

from sqlalchemy import func, select, text, update

from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.i18n import N_
from app.domain.buttons import data
from app.domain.lotteries import LotteryState
from app.domain.outbox import OutboxState
from app.domain.wording import Place
from app.models import Lottery, LotteryPost, LotteryWinner
from app.services import outbox
from app.services.lotteries import cards, lookup, showing

BATCH = 50
EDIT_SECONDS = 10
"""The least time between two edits of a post."""
_SHARE_SECONDS = 5
"""For each open post in one chat: twelve edits a minute, so that there is room for messages."""
_TENANT_RATE = 5
"""Edits a second of all posts of a tenant, so that a bot has time for people."""
_BUSY_SECONDS = 5
_OPEN = frozenset({OutboxState.QUEUED, OutboxState.SENDING, OutboxState.HELD})
_LOST = frozenset({OutboxState.DEAD, OutboxState.UNKNOWN})
_OVER = frozenset({LotteryState.DRAWN, LotteryState.CANCELLED})
_DELETED = re.compile("message to edit not found|message can't be edited|message_id_invalid", re.IGNORECASE)
_TROUBLES = (
    (_DELETED, N_("The post was deleted. Try again, and it is posted anew.")),
    (
        re.compile("not a member|kicked|chat not found|chat_restricted|deactivated", re.IGNORECASE),
        N_("The bot is not in this chat. Make it an administrator there, then try again."),
    ),
    (
        re.compile("administrator rights|not enough rights|no rights|forbidden", re.IGNORECASE),
        N_("The bot may not post there. Let it post as an administrator, then try again."),
    ),
    (
        re.compile("no answer"),
        N_("Telegram did not answer, so the post may be there or not. Have a look before you try again."),
    ),
)

_NEW_POST = text("""
INSERT INTO lottery_post (tenant_id, lottery_id, chat) VALUES (:tenant_id, :lottery_id, :chat)
ON CONFLICT (lottery_id, chat) DO NOTHING RETURNING id
""")
# The posts are chosen first; everything else is then looked up row by row, each by its key.
_DUE = text("""
WITH due AS MATERIALIZED (
    SELECT id, tenant_id, lottery_id, chat, calls FROM lottery_post WHERE look_at <= :now
    ORDER BY look_at LIMIT :most FOR UPDATE SKIP LOCKED
), busy AS MATERIALIZED (
    SELECT a.tenant_id, count(*) AS posts FROM lottery_post a
    WHERE a.look_at IS NOT NULL AND a.tenant_id IN (SELECT tenant_id FROM due) GROUP BY a.tenant_id
)
SELECT due.id, l.state AS wanted_state, l.entries, l.sealed, o.state AS call_state, o.error AS call_error, c.in_chat,
  busy.posts AS of_tenant
FROM due JOIN busy USING (tenant_id)
CROSS JOIN LATERAL (
    SELECT lottery.state,
      (SELECT coalesce(sum(t.entries), 0) FROM lottery_tally t WHERE t.lottery_id = lottery.id) AS entries,
      EXISTS (SELECT FROM lottery_draw d WHERE d.lottery_id = lottery.id AND d.root IS NOT NULL) AS sealed
    FROM lottery WHERE lottery.id = due.lottery_id LIMIT 1) l
CROSS JOIN LATERAL (
    SELECT count(*) AS in_chat FROM lottery_post
    WHERE tenant_id = due.tenant_id AND chat = due.chat AND look_at IS NOT NULL) c
LEFT JOIN LATERAL (
    SELECT state, error FROM outbox WHERE tenant_id = due.tenant_id
      AND dedupe_key = 'lottery:' || due.lottery_id || ':post:' || due.chat
        || CASE WHEN due.calls > 1 THEN ':' || due.calls ELSE '' END LIMIT 1) o ON true
""")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a post is not as it should be, as a msgid with its values."""

    message: str
    params: dict[str, object]


def queue_all(lottery: Lottery) -> None:
    """Posts a lottery that has just opened wherever the boss wants it; each chat once."""
    for chat in {str(chat).lower(): str(chat) for chat in lottery.publish_to}.values():
        values = {"tenant_id": lottery.tenant_id, "lottery_id": lottery.id, "chat": chat}
        post_id = db.session.execute(_NEW_POST, values).scalar()
        if post_id is not None:
            _call(db.session.get_one(LotteryPost, post_id), lottery)


def refresh(lottery_id: int) -> None:
    """The lottery has changed: its posts follow within seconds."""
    db.session.execute(
        update(LotteryPost)
        .where(LotteryPost.lottery_id == lottery_id, LotteryPost.error.is_(None))
        .values(look_at=clock.now())
    )


def queue_result(lottery: Lottery) -> None:
    """Tells the chats who won, as an answer to the post. After a redraw it tells them once more."""
    refresh(lottery.id)
    place = showing.place_of(lottery)
    body = showing.result_of(lottery, place)
    turn = _redraws(lottery.id)
    for post in list_posts(lottery.id):
        key = f"lottery:{lottery.id}:result:{post.chat}" + (f":{turn}" if turn else "")
        payload: dict[str, object] = {
            "text": body,
            "parse_mode": cards.PARSE_MODE,
            "reply_markup": _keyboard(lottery, 0, place),
        }
        if post.message_id is not None:
            payload["reply_parameters"] = {
                "message_id": post.message_id,
                "allow_sending_without_reply": True,
            }
        _queue(lottery, post, "sendMessage", payload, key)


def retry(post_id: int) -> None:
    """Tries what Telegram refused once more; posts anew where there is no post to be edited. Raises NotFound."""
    query = select(LotteryPost).where(LotteryPost.id == post_id).with_for_update()
    post = db.session.scalar(query.execution_options(populate_existing=True))
    if post is None:
        raise NotFound
    if post.error is None:
        return
    if _DELETED.search(post.error):
        post.message_id = None
    post.error = None
    if post.message_id is None:
        _call(post, _fresh(post.lottery_id))
    else:
        post.shown, post.look_at = "", clock.now()


def sent(post_id: int, chat_id: int | None, message_id: int | None) -> None:
    """Telegram took a call for a post, and says where it is."""
    _write(
        post_id,
        chat_id=func.coalesce(chat_id, LotteryPost.chat_id),
        message_id=func.coalesce(message_id, LotteryPost.message_id),
    )


def refused(post_id: int, reason: str) -> None:
    """Telegram will not take a call for a post, so nothing more is tried until the boss has mended it."""
    _write(post_id, error=reason, look_at=None)


def _write(post_id: int, **values: object) -> None:
    db.session.execute(update(LotteryPost).where(LotteryPost.id == post_id).values(**values))


def trouble(post: LotteryPost) -> Trouble | None:
    """What is wrong with a post, in words for the boss; None when nothing is."""
    if post.error is None:
        return None
    for pattern, message in _TROUBLES:
        if pattern.search(post.error):
            return Trouble(message, {})
    return Trouble(N_("Telegram refused the post: %(reason)s"), {"reason": post.error})


def list_posts(lottery_id: int) -> list[LotteryPost]:
    """All posts of a lottery."""
    query = select(LotteryPost).where(LotteryPost.lottery_id == lottery_id).order_by(LotteryPost.id)
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def sweep() -> bool:
    """Looks at the posts whose turn it is, BATCH at most, and edits what has changed. True when more may be due."""
    now = clock.now()
    rows = db.session.execute(_DUE, {"now": now, "most": BATCH}).all()
    found = db.session.scalars(
        select(LotteryPost)
        .where(LotteryPost.id.in_([row.id for row in rows]))
        .execution_options(populate_existing=True)
    )
    posts = {post.id: post for post in found}
    for row in rows:
        every = max(EDIT_SECONDS, _SHARE_SECONDS * row.in_chat, row.of_tenant / _TENANT_RATE)
        wanted = _shown(LotteryState(row.wanted_state), int(row.entries), sealed=row.sealed)
        _look(posts[row.id], wanted, row.call_state, row.call_error, timedelta(seconds=every))
    return len(rows) == BATCH


def _look(
    post: LotteryPost, wanted: str, call_state: str | None, call_error: str | None, every: timedelta
) -> None:
    now = clock.now()
    state = LotteryState(wanted.partition(":")[0])
    if call_state in _OPEN:
        post.look_at = now + timedelta(seconds=_BUSY_SECONDS)
    elif call_state in _LOST or post.message_id is None:
        refused(post.id, call_error or "no answer was seen")
    elif post.shown == wanted:
        post.look_at = None if state in _OVER else now + every
    elif _same_state(post.shown, wanted) and post.shown_at and now < post.shown_at + every:
        post.look_at = post.shown_at + every
    else:
        _call(post, _fresh(post.lottery_id), every)


def _call(post: LotteryPost, lottery: Lottery, every: timedelta = timedelta(seconds=EDIT_SECONDS)) -> None:
    """Writes down the call that makes the post say what is true now."""
    now = clock.now()
    entries, root = lookup.entry_count(lottery.id), showing.root_of(lottery)
    post.calls += 1
    post.shown, post.shown_at = _shown(lottery.state, entries, sealed=bool(root)), now
    post.look_at = now + (timedelta(seconds=_BUSY_SECONDS) if lottery.state in _OVER else every)
    method, payload = _content(post, lottery, entries)
    key = f"lottery:{lottery.id}:post:{post.chat}" + (f":{post.calls}" if post.calls > 1 else "")
    _queue(lottery, post, method, {**payload, "lottery_post_id": post.id}, key)


def _fresh(lottery_id: int) -> Lottery:
    """As it is now, whatever this session has read before; without a lock, which would hold up joins."""
    lottery = lookup.get(lottery_id)
    db.session.refresh(lottery)
    return lottery


def _content(post: LotteryPost, lottery: Lottery, entries: int) -> tuple[str, dict[str, object]]:
    """The method and its parameters."""
    place = showing.place_of(lottery)
    pictured = lottery.picture_id is not None
    body = showing.card_with(lottery, entries, place, caption=pictured)
    payload: dict[str, object] = {
        "caption" if pictured else "text": body,
        "parse_mode": cards.PARSE_MODE,
        "reply_markup": _keyboard(lottery, entries, place),
    }
    if not pictured:
        payload["link_preview_options"] = {"is_disabled": True}
    if post.message_id is not None:
        method = "editMessageCaption" if pictured else "editMessageText"
        return method, {**payload, "message_id": post.message_id}
    return (
        ("sendPhoto", {**payload, "picture_id": lottery.picture_id}) if pictured else ("sendMessage", payload)
    )


def _keyboard(lottery: Lottery, entries: int, place: Place) -> dict[str, object]:
    rows = []
    if lottery.state is LotteryState.OPEN:
        label = place.t(N_("🎁 Join (%(count)s)"), count=entries)
        rows.append([{"text": label, "callback_data": data("lj", lottery.code)}])
    link = showing.public_link(lottery.code)
    # Telegram refuses the whole message for a button that leads to an address of this machine.
    if link.startswith("https://"):
        rows.append([{"text": place.t(N_("🔍 Rules and proof")), "url": link}])
    return {"inline_keyboard": rows}


def _queue(lottery: Lottery, post: LotteryPost, method: str, payload: dict[str, object], key: str) -> None:
    number = post.chat_id or _number(post.chat)
    if number is None:
        # A chat's name only needs some number of its own, which keeps its calls in order.
        number = -int.from_bytes(blake2s(post.chat.lower().encode(), digest_size=6).digest(), "big")
        payload = {**payload, "chat_id": post.chat}
    outbox.queue_message(lottery.tenant_id, lottery.bot_id, number, method, payload, key)


def _number(chat: str) -> int | None:
    return int(chat) if chat.removeprefix("-").isdecimal() else None


def _shown(state: LotteryState, entries: int, *, sealed: bool) -> str:
    return f"{state.value}:{entries}" + (":sealed" if sealed else "")


def _same_state(one: str, other: str) -> bool:
    """Whether two posts differ in their count at most."""
    return [*one.split(":")[:1], *one.split(":")[2:]] == [*other.split(":")[:1], *other.split(":")[2:]]


def _redraws(lottery_id: int) -> int:
    query = select(LotteryWinner.slot).where(LotteryWinner.lottery_id == lottery_id, LotteryWinner.turn > 0)
    return len(db.session.execute(query).all())
