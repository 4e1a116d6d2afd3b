"""Erasing one Telegram user, and giving out all of a tenant's data."""

import json
from pathlib import Path
from zipfile import ZipFile

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from app.core.bells import Bell, Listener
from app.core.db import db
from app.core.errors import NotFound
from app.core.queue import transaction
from app.core.tenancy import tenant_scope
from app.models import Bot, BotMember, Member, OutgoingMessage, Update
from app.services import tenant_data
from tests.architecture.test_isolation import OWNED
from tests.cast import Cast, sign_in
from tests.lottery_tools import a_bot, an_open

NAME, NUMBER = "Wang-Xiaoming", 4_242_424_242


def fill(tenant_id: int, telegram_id: int) -> None:
    """What a tenant knows of a customer who wrote, pressed a button in a group, and is waited for."""
    bot = Bot(tenant_id=tenant_id, telegram_id=tenant_id, token="x", token_fingerprint=str(tenant_id))
    db.session.add(bot)
    db.session.flush()
    db.session.add(Member(tenant_id=tenant_id, telegram_id=telegram_id, first_name=NAME))
    db.session.add(BotMember(tenant_id=tenant_id, bot_id=bot.id, telegram_id=telegram_id))
    said = f'{{"update_id":1,"message":{{"from":{{"id":{telegram_id},"first_name":"{NAME}"}},"chat":{{"id":{telegram_id}}}}}}}'
    pressed = f'{{"update_id":2,"callback_query":{{"from":{{"first_name":"{NAME}","id": {telegram_id}}},"message":{{}}}}}}'
    for number, (raw, chat) in enumerate(((said, telegram_id), (pressed, -7)), 1):
        update = Update(
            tenant_id=tenant_id, bot_id=bot.id, update_id=number, chat_key=chat, shard=0, raw=raw.encode()
        )
        db.session.add(update)
    message = OutgoingMessage(
        tenant_id=tenant_id,
        bot_id=bot.id,
        chat_id=telegram_id,
        method="m",
        payload={"text": NAME},
        dedupe_key="1",
    )
    db.session.add(message)
    db.session.commit()


def traces(tenant_id: int) -> list[str]:
    """The tables in which the name or the number still stands."""
    return sorted({*traces_of(tenant_id, NAME), *traces_of(tenant_id, str(NUMBER))})


def traces_of(tenant_id: int, words: str) -> list[str]:
    """The tables in which this still stands."""
    found = []
    for table in OWNED:
        # Raw updates are bytes: looked at as text.
        raw = " || convert_from(raw, 'UTF8')" if "raw" in table.c else ""
        query = text(
            f"SELECT count(*) FROM {table.name} t WHERE tenant_id = :tenant AND t::text{raw} LIKE :words"
        )
        if db.session.scalar(query, {"tenant": tenant_id, "words": f"%{words}%"}):
            found.append(table.name)
    return found


def test_nothing_of_the_customer_is_left_and_others_stay(cast: Cast):
    fill(cast.tenant.id, NUMBER)
    fill(cast.other_tenant.id, NUMBER)
    assert traces(cast.tenant.id) == ["bot_member", "inbox", "member", "outbox"]
    with tenant_scope(cast.tenant.id), transaction():
        tenant_data.erase_member(cast.tenant.id, NUMBER)
    assert traces(cast.tenant.id) == []
    assert traces(cast.other_tenant.id) == ["bot_member", "inbox", "member", "outbox"]


def test_repeats_of_his_updates_are_still_recognised(cast: Cast):
    fill(cast.tenant.id, NUMBER)
    with tenant_scope(cast.tenant.id), transaction():
        tenant_data.erase_member(cast.tenant.id, NUMBER)
    rows = db.session.execute(select(Update.update_id, Update.state, Update.raw)).all()
    assert [(row.update_id, row.state, bytes(row.raw)) for row in rows] == [
        (1, "done", b"{}"),
        (2, "done", b"{}"),
    ]


def test_processes_that_saw_him_lately_hear_of_it(cast: Cast):
    fill(cast.tenant.id, NUMBER)
    bell = Listener(Bell.MEMBERS)
    bell.wait(0.01)
    with tenant_scope(cast.tenant.id), transaction():
        tenant_data.erase_member(cast.tenant.id, NUMBER)
    assert bell.wait(5) == [(Bell.MEMBERS, str(NUMBER))]


def test_a_number_that_nobody_has_is_not_found(cast: Cast):
    with pytest.raises(NotFound), tenant_scope(cast.tenant.id), transaction():
        tenant_data.erase_member(cast.tenant.id, NUMBER)


def test_the_owner_erases_a_customer_and_a_stranger_does_not(app: Flask, cast: Cast):
    fill(cast.tenant.id, NUMBER)
    number = {"telegram_id": str(NUMBER)}
    sign_in(app, cast.stranger).post("/admin/settings/data/erase-member/", data=number)
    assert db.session.scalar(select(func.count()).select_from(Member)) == 1
    sign_in(app, cast.owner).post("/admin/settings/data/erase-member/", data=number)
    assert db.session.scalar(select(func.count()).select_from(Member)) == 0


def test_the_export_has_the_codes_of_lotteries_and_none_of_their_secrets(cast: Cast, tmp_path: Path):
    lottery = an_open(a_bot(cast.tenant))
    with tenant_scope(cast.tenant.id), transaction():
        tenant_data.export(cast.tenant.id, tmp_path / "all.zip")
    with ZipFile(tmp_path / "all.zip") as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist()).decode()
        rows = [json.loads(line) for line in archive.read("lottery.jsonl").splitlines()]
    assert [row["code"] for row in rows] == [lottery.code]
    secrets = (lottery.seed, lottery.salt, '"seed"', '"salt"')
    assert [word for word in secrets if word in everything] == []
