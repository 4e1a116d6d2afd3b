"""Pictures to Telegram: uploaded once per bot, then sent by name; by the outbox too."""

from threading import Event

import pytest

from app.core.db import db
from app.core.queue import transaction
from app.models import OutgoingMessage, PictureFile
from app.services import outbox, pictures
from bots.keyboards import Button, Keyboard, data
from bots.telegram.errors import Refused
from bots.telegram.outbox import flush
from bots.telegram.photos import send_photo
from tests.cast import Cast
from tests.painting import painted
from tests.sandbox_client import LIN
from tests.talking import Talk


@pytest.fixture
def picture_id(cast: Cast) -> int:
    with transaction():
        return pictures.store(cast.tenant.id, painted())


def _uploads(talk: Talk) -> list[bool]:
    """Of each sendPhoto, whether the picture itself was sent."""
    calls = talk.telegram.calls(talk.bot, "sendPhoto")
    return ["photo" not in call["params"] or not isinstance(call["params"]["photo"], str) for call in calls]


def test_a_picture_is_uploaded_once_and_then_sent_by_its_name(talk: Talk, picture_id: int):
    for _ in range(2):
        send_photo(talk.config, LIN, picture_id, "<b>Hello</b>", Keyboard([[Button("Go", data("x"))]]))
    first, second = talk.telegram.messages(talk.bot, LIN)[-2:]
    assert first["caption"] == second["caption"] == "Hello"
    assert first["photo"] == second["photo"]
    assert talk.labels() == ["Go"]
    assert db.session.query(PictureFile).one().file_id == first["photo"][-1]["file_id"]


def test_a_name_that_telegram_has_forgotten_makes_it_upload_again(talk: Talk, picture_id: int):
    with transaction():
        pictures.keep_file(picture_id, talk.config.id, "forgotten")
    message = send_photo(talk.config, LIN, picture_id)
    assert db.session.query(PictureFile).one().file_id == message["photo"][-1]["file_id"]


def test_the_outbox_sends_pictures(talk: Talk, picture_id: int):
    for number in range(2):
        with transaction():
            payload: dict[str, object] = {"picture_id": picture_id, "caption": "You won"}
            outbox.queue_message(
                talk.config.tenant_id, talk.config.id, LIN, "sendPhoto", payload, f"won {number}"
            )
    flush(talk.config, Event())
    assert [row.state for row in db.session.query(OutgoingMessage)] == ["sent", "sent"]
    assert [m["caption"] for m in talk.telegram.messages(talk.bot, LIN)[-2:]] == ["You won"] * 2
    assert db.session.query(PictureFile).count() == 1


def test_a_picture_that_is_gone_ends_the_message_and_not_the_queue(talk: Talk):
    with transaction():
        for key, method, payload in (
            ("a", "sendPhoto", {"picture_id": 10**9}),
            ("b", "sendMessage", {"text": "next"}),
        ):
            outbox.queue_message(talk.config.tenant_id, talk.config.id, LIN, method, payload, key)
    flush(talk.config, Event())
    assert sorted(row.state for row in db.session.query(OutgoingMessage)) == ["dead", "sent"]


def test_a_refusal_for_another_reason_is_the_caller_s(talk: Talk, picture_id: int):
    with pytest.raises(Refused):
        send_photo(talk.config, LIN, picture_id, "<b>not closed")
