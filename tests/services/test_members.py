"""Telegram users of a tenant: written once, changed when they change, marked when they block a bot."""

import pytest
from sqlalchemy import event

from app.core.db import db
from app.core.i18n import ZH
from app.core.queue import transaction
from app.core.tenancy import tenant_scope
from app.domain.members import Person, clean_name
from app.models import Bot, BotMember, Member
from app.services import members
from tests import talking
from tests.cast import Cast
from tests.inbox_tools import make_bot
from tests.sandbox_client import Sandbox
from tests.talking import Talk, give, message

LI = Person(77, "Li", "Lei", "lilei", "zh-hans")


@pytest.fixture
def bot(cast: Cast) -> Bot:
    return make_bot(cast.tenant)


def _see(bot: Bot, person: Person = LI, *, private: bool = True) -> str | None:
    with tenant_scope(bot.tenant_id), transaction():
        return members.see(bot.tenant_id, bot.id, person, private=private)


def test_a_member_is_one_row_per_tenant_however_many_bots_he_talks_with(bot: Bot, cast: Cast):
    for each in (bot, make_bot(cast.tenant, 2), make_bot(cast.other_tenant, 3), bot):
        _see(each)
    assert db.session.query(Member).count() == 2
    assert db.session.query(BotMember).count() == 3


def test_a_new_name_is_written(bot: Bot):
    _see(bot)
    _see(bot, Person(77, "Li", "Ming", None, None))
    row = db.session.query(Member).one()
    assert (row.last_name, row.username, row.language_code) == ("Ming", None, None)


def test_who_writes_in_a_group_only_cannot_be_written_to(bot: Bot):
    _see(bot, private=False)
    assert db.session.query(BotMember).count() == 0


def test_a_known_member_is_known_until_he_changes_or_writes_in_private(bot: Bot):
    _see(bot, private=False)
    assert members.find_known(bot.id, LI, private=False) == (None,)
    assert members.find_known(bot.id, LI, private=True) is None
    assert members.find_known(bot.id, Person(77, "Other", "", None, None), private=False) is None


def test_the_chosen_language_is_kept(bot: Bot):
    _see(bot)
    with transaction():
        members.set_locale(bot.tenant_id, LI.telegram_id, ZH)
    assert _see(bot) == ZH


def test_blocked_until_he_comes_back(bot: Bot):
    _see(bot)
    with transaction():
        members.mark_blocked(bot.tenant_id, bot.id, LI.telegram_id)
    assert db.session.query(BotMember).one().blocked_at is not None
    assert members.find_known(bot.id, LI, private=True) is None
    _see(bot)
    db.session.expire_all()
    assert db.session.query(BotMember).one().blocked_at is None


def test_the_memory_has_a_bound(bot: Bot, monkeypatch):
    monkeypatch.setattr(members, "_MOST", 3)
    for number in range(5):
        _see(bot, Person(number + 1, "A", "", None, None))
    assert members.find_known(bot.id, Person(5, "A", "", None, None), private=True) is not None
    assert members.find_known(bot.id, Person(1, "A", "", None, None), private=True) is None


def test_a_known_member_costs_no_statement(telegram: Sandbox, cast: Cast):
    talk = Talk(telegram, *talking.make_bot(telegram, cast.tenant))
    give(talk.config, message=message("/start"))
    statements: list[str] = []

    def note(*call: object) -> None:
        statements.append(str(call[2]))

    event.listen(db.engine, "before_cursor_execute", note)
    give(talk.config, message=message("/start"))
    event.remove(db.engine, "before_cursor_execute", note)
    assert statements == []


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Lin", "Lin"),
        ("小满", "小满"),
        ("a\u202eb", "ab"),
        ("\x00", ""),
        (None, ""),
        ("x" * 99, "x" * 64),
        ("👍🏽", "👍🏽"),
    ],
)
def test_names_are_cleaned(name: str | None, kept: str):
    assert clean_name(name) == kept
