"""Asking Telegram who is in a channel, and who boosts it."""

import pytest

from app.services.lotteries.errors import ConditionUnavailable
from bots.telegram import membership
from bots.telegram.errors import Postpone
from tests.bots.lottery_talk import NEWS
from tests.sandbox_client import LIN, Json
from tests.talking import Talk


@pytest.mark.parametrize(
    ("status", "inside"),
    [
        ("creator", True),
        ("administrator", True),
        ("member", True),
        ("restricted", True),
        ("left", False),
        ("kicked", False),
    ],
)
def test_who_counts_as_a_member(talk: Talk, channel: Json, status: str, *, inside: bool):
    talk.telegram.set_member(NEWS, LIN, status)
    assert membership.is_member(talk.config, NEWS, LIN) is inside


def test_a_restricted_person_may_have_left(talk: Talk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(membership, "perform", lambda *_: {"status": "restricted", "is_member": False})
    assert not membership.is_member(talk.config, NEWS, LIN)


@pytest.mark.parametrize("said", ["user not found", "PARTICIPANT_ID_INVALID", "member not found"])
def test_whom_telegram_does_not_know_is_no_member(talk: Talk, channel: Json, said: str):
    talk.telegram.order_error(400, f"Bad Request: {said}", method="getChatMember")
    assert membership.is_member(talk.config, NEWS, LIN) is False


def test_a_chat_that_is_not_there_cannot_be_asked(talk: Talk):
    with pytest.raises(ConditionUnavailable, match=NEWS):
        membership.is_member(talk.config, NEWS, LIN)


@pytest.mark.parametrize("status", ["member", "left", "kicked"])
def test_without_rights_the_bot_cannot_ask(talk: Talk, channel: Json, status: str):
    talk.telegram.set_member(NEWS, talk.bot["username"], status)
    with pytest.raises(ConditionUnavailable):
        membership.is_member(talk.config, NEWS, LIN)
    with pytest.raises(ConditionUnavailable):
        membership.boosts(talk.config, NEWS, LIN)


def test_when_telegram_asks_to_wait_it_is_asked_again_later(talk: Talk, channel: Json):
    talk.telegram.order_error(429, "Too Many Requests", method="getChatMember", retry_after=5)
    with pytest.raises(Postpone):
        membership.is_member(talk.config, NEWS, LIN)


def test_only_who_was_in_is_remembered_and_only_for_joining(talk: Talk, channel: Json):
    membership.forget()
    assert not membership.is_member_now(talk.config, NEWS, LIN)
    talk.telegram.set_member(NEWS, LIN)
    assert membership.is_member_now(talk.config, NEWS, LIN)
    talk.telegram.set_member(NEWS, LIN, "left")
    assert membership.is_member_now(talk.config, NEWS, LIN)
    assert not membership.is_member(talk.config, NEWS, LIN)


def test_boosts_are_counted(talk: Talk, channel: Json):
    assert membership.boosts(talk.config, NEWS, LIN) == 0
    talk.telegram.give_boosts(NEWS, LIN, 4)
    assert membership.boosts(talk.config, NEWS, LIN) == 4
