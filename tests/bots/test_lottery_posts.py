"""A lottery's posts in channels: by the real outbox against the sandbox, edited seldom, and what Telegram refuses."""

from threading import Event

import pytest
from sqlalchemy import update

from app.core.db import db
from app.core.queue import transaction
from app.domain.lotteries import LotteryState
from app.models import Lottery, LotteryDraw, LotteryPost, LotteryTally, OutgoingMessage
from app.services import pictures
from app.services.lotteries import posts
from bots.telegram.outbox import flush
from tests.clockwork import Clockwork
from tests.joining import make_lottery
from tests.painting import painted
from tests.sandbox_client import Json
from tests.talking import Talk

NEWS = "@lucky_news"


@pytest.fixture(autouse=True)
def _no_wait_between_posts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate's pause for groups has tests of its own."""
    monkeypatch.setattr("bots.telegram.gate._is_group", lambda chat: False)


@pytest.fixture
def channel(talk: Talk) -> Json:
    bot = {talk.bot["username"]: "administrator"}
    return talk.telegram.create_chat("channel", "News", username="lucky_news", members=bot)


def _opened(talk: Talk, *chats: str, **more) -> Lottery:
    config = talk.config
    lottery = make_lottery(
        config.tenant_id, config.id, publish_to=list(chats), state=LotteryState.OPEN, **more
    )
    with transaction():
        posts.queue_all(lottery)
    flush(config, Event())
    return lottery


def _joined(talk: Talk, lottery: Lottery, entries: int) -> None:
    """So many have joined by now; the posts are looked at and the outbox is sent."""
    with transaction():
        db.session.execute(
            update(LotteryTally)
            .where(LotteryTally.lottery_id == lottery.id, LotteryTally.shard == 0)
            .values(entries=entries)
        )
    _swept(talk)


def _swept(talk: Talk) -> None:
    with transaction():
        posts.sweep()
    flush(talk.config, Event())


def _moved(lottery: Lottery, state: LotteryState, **more) -> None:
    with transaction():
        found = db.session.get_one(Lottery, lottery.id)
        found.state = state
        for name, value in more.items():
            setattr(found, name, value)


def _shown(talk: Talk, chat: str | int = NEWS) -> Json:
    return talk.telegram.messages(talk.bot, chat)[0]


def _labels(message: Json) -> list[str]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button["text"] for row in rows for button in row]


def _edits(talk: Talk) -> int:
    return len([call for call in talk.telegram.calls(talk.bot) if call["method"].startswith("editMessage")])


def _post() -> LotteryPost:
    db.session.expire_all()
    return db.session.query(LotteryPost).order_by(LotteryPost.id).first()


def _trouble() -> str:
    found = posts.trouble(_post())
    return found.message if found else ""


def test_an_open_lottery_is_posted_once_to_each_chat(talk: Talk, channel: Json):
    lottery = _opened(talk, NEWS.upper(), NEWS)
    with transaction():
        posts.queue_all(lottery)
    flush(talk.config, Event())
    [message] = talk.telegram.messages(talk.bot, NEWS)
    assert "Anniversary" in message["text"]
    assert _labels(message) == ["🎁 Join (0)"]
    assert message["reply_markup"]["inline_keyboard"][0][0]["callback_data"] == "1:lj:LUCKY234"
    assert (_post().chat_id, _post().message_id) == (channel["id"], message["message_id"])


def test_the_counter_follows_after_ten_seconds_and_not_before(talk: Talk, channel: Json, time: Clockwork):
    lottery = _opened(talk, NEWS)
    _joined(talk, lottery, 3)
    assert _edits(talk) == 0
    time.forward(seconds=11)
    _joined(talk, lottery, 4)
    assert _labels(_shown(talk)) == ["🎁 Join (4)"]
    assert "Entrants: 4" in _shown(talk)["text"]
    time.forward(seconds=4)
    _joined(talk, lottery, 5)
    assert _edits(talk) == 1


def test_nothing_is_edited_in_vain(talk: Talk, channel: Json, time: Clockwork):
    _opened(talk, NEWS)
    for _ in range(5):
        time.forward(seconds=60)
        _swept(talk)
    assert _edits(talk) == 0


def test_only_one_edit_of_a_post_waits_at_a_time(talk: Talk, channel: Json, time: Clockwork):
    lottery = _opened(talk, NEWS)
    for entries in (1, 2, 3):
        time.forward(seconds=30)
        with transaction():
            db.session.execute(update(LotteryTally).values(entries=entries))
        with transaction():
            posts.sweep()
    waiting = db.session.query(OutgoingMessage).filter_by(state="queued").count()
    assert waiting == 1
    assert lottery.code


def test_posts_that_share_a_chat_share_its_limit(talk: Talk, channel: Json, time: Clockwork):
    """Six posts in one channel are edited twelve times a minute at most, all together."""
    found = [_opened(talk, NEWS, code=f"SHARED{number}") for number in range(6)]
    for second in range(60):
        time.forward(seconds=1)
        if second % 5 == 0:
            with transaction():
                db.session.execute(update(LotteryTally).values(entries=second))
            _swept(talk)
    assert len(found) == 6
    assert 6 <= _edits(talk) <= 12


def test_the_last_edit_says_that_it_is_over(talk: Talk, channel: Json, time: Clockwork):
    lottery = _opened(talk, NEWS)
    _moved(lottery, LotteryState.DRAWING)
    with transaction():
        posts.refresh(lottery.id)
    _swept(talk)
    assert "the draw is running" in _shown(talk)["text"]
    assert _labels(_shown(talk)) == []
    _moved(lottery, LotteryState.DRAWN)
    for _ in range(2):
        time.forward(seconds=30)
        _swept(talk)
    assert "Drawn" in _shown(talk)["text"]
    assert _post().look_at is None


def test_the_root_of_the_sealed_list_is_in_the_channel_at_once(talk: Talk, channel: Json, time: Clockwork):
    lottery = _opened(talk, NEWS)
    _moved(lottery, LotteryState.DRAWING)
    with transaction():
        posts.refresh(lottery.id)
    _swept(talk)
    with transaction():
        draw = LotteryDraw(tenant_id=lottery.tenant_id, lottery_id=lottery.id, root="ab" * 32)
        db.session.add(draw)
        posts.refresh(lottery.id)
    time.forward(seconds=1)
    _swept(talk)
    assert "Sealed list: " + "ab" * 16 in _shown(talk)["text"]


def test_a_cancelled_one_says_so_even_if_nobody_rang(talk: Talk, channel: Json, time: Clockwork):
    lottery = _opened(talk, NEWS)
    _moved(lottery, LotteryState.CANCELLED, cancel_reason="sold out")
    time.forward(seconds=11)
    _swept(talk)
    assert "Cancelled: sold out" in _shown(talk)["text"]


def test_a_picture_has_the_card_as_its_caption_and_keeps_counting(talk: Talk, channel: Json, time: Clockwork):
    with transaction():
        picture_id = pictures.store(talk.config.tenant_id, painted())
    lottery = _opened(talk, NEWS, picture_id=picture_id, description="x" * 2000)
    assert len(_shown(talk)["caption"]) <= 1024
    time.forward(seconds=11)
    _joined(talk, lottery, 7)
    assert _shown(talk)["photo"]
    assert _labels(_shown(talk)) == ["🎁 Join (7)"]


def test_a_channel_that_the_bot_is_not_in_is_shown_to_the_boss_who_may_try_again(talk: Talk):
    channel = talk.telegram.create_chat("channel", "News", username="lucky_news")
    _opened(talk, NEWS)
    assert "not in this chat" in _trouble()
    assert _post().look_at is None
    talk.telegram.set_member(channel["id"], talk.bot["username"], "administrator")
    with transaction():
        posts.retry(_post().id)
    flush(talk.config, Event())
    assert _trouble() == ""
    assert _post().message_id == _shown(talk)["message_id"]


def test_a_bot_without_the_right_to_post_is_told_apart(talk: Talk):
    members = {talk.bot["username"]: "member"}
    talk.telegram.create_chat("channel", "News", username="lucky_news", members=members)
    _opened(talk, NEWS)
    assert "may not post" in _trouble()


def test_a_deleted_post_is_posted_anew_when_the_boss_asks(talk: Talk, channel: Json, time: Clockwork):
    lottery = _opened(talk, NEWS)
    old = _post().message_id
    talk.telegram.api(talk.bot, "deleteMessage", chat_id=NEWS, message_id=old)
    time.forward(seconds=11)
    _joined(talk, lottery, 1)
    assert "deleted" in _trouble()
    with transaction():
        posts.retry(_post().id)
    flush(talk.config, Event())
    assert _post().message_id != old
    assert _labels(_shown(talk)) == ["🎁 Join (1)"]


def test_a_post_whose_fate_nobody_knows_is_named(talk: Talk, channel: Json, time: Clockwork):
    config = talk.config
    lottery = make_lottery(config.tenant_id, config.id, publish_to=[NEWS], state=LotteryState.OPEN)
    with transaction():
        posts.queue_all(lottery)
        db.session.execute(update(OutgoingMessage).values(state="unknown", error="no answer was seen"))
    time.forward(seconds=11)
    _swept(talk)
    assert "Have a look" in _trouble()


def test_the_result_answers_the_post(talk: Talk, channel: Json):
    lottery = _opened(talk, NEWS)
    _moved(lottery, LotteryState.DRAWN)
    for _ in range(2):
        with transaction():
            posts.queue_result(db.session.get_one(Lottery, lottery.id))
        flush(talk.config, Event())
    post, result = talk.telegram.messages(talk.bot, NEWS)
    assert "Result: Anniversary" in result["text"]
    assert result["reply_to_message"]["message_id"] == post["message_id"]
