"""`flask lotteries create | close | audit | verify | export`, with and without --json."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.core.queue import transaction
from app.core.tenancy import enter_scope
from app.models import Bot, Lottery
from app.services import lotteries
from tests.cast import Cast
from tests.drawing import close, draw
from tests.lottery_tools import a_bot, a_draft, an_open, enter

Json = dict[str, Any]


@pytest.fixture
def bot(cast: Cast) -> Bot:
    return a_bot(cast.tenant)


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """Writes lottery.json: two mugs, closing in a day, and what else is given."""

    def write(**fields: object) -> Path:
        body = {
            "title": "Weekend draw",
            "prizes": [{"name": "Mug", "quantity": 2}],
            "closes_at": (clock.now() + timedelta(days=1)).isoformat(),
        }
        path = tmp_path / "lottery.json"
        path.write_text(
            json.dumps({key: value for key, value in (body | fields).items() if value is not None})
        )
        return path

    return write


def run(app: Flask, *words: object, text: str | None = None) -> Result:
    enter_scope(None)
    result = app.test_cli_runner().invoke(args=["lotteries", *map(str, words)], input=text)
    enter_scope("*")
    return result


def created(app: Flask, cast: Cast, path: Path, *more: object) -> Json:
    result = run(app, "create", "--tenant", cast.tenant.id, "--file", path, "--json", *more)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_create_prints_what_scripts_rely_on(app: Flask, cast: Cast, bot: Bot, file: Callable[..., Path]):
    printed = created(app, cast, file())
    assert set(printed) >= {"code", "state", "commitment"}
    lottery = lotteries.get_by_code(str(printed["code"]))
    assert (printed["state"], printed["commitment"]) == ("open", lottery.commitment)
    assert "Made lottery" in run(app, "create", "--tenant", cast.tenant.id, "--file", file()).stdout


def test_create_takes_the_file_from_standard_input(
    app: Flask, cast: Cast, bot: Bot, file: Callable[..., Path]
):
    result = run(app, "create", "--tenant", cast.tenant.id, "--file", "-", text=file().read_text())
    assert result.exit_code == 0


def test_a_later_opening_is_scheduled(app: Flask, cast: Cast, bot: Bot, file: Callable[..., Path]):
    later = (clock.now() + timedelta(hours=2)).isoformat()
    assert created(app, cast, file(opens_at=later))["state"] == "scheduled"


def test_a_bot_may_be_named(app: Flask, cast: Cast, bot: Bot, file: Callable[..., Path]):
    second = a_bot(cast.tenant, 2)
    result = run(app, "create", "--tenant", cast.tenant.id, "--file", file())
    assert (result.exit_code, second.public_id in result.output) == (1, True)
    created(app, cast, file(), "--bot", bot.id)
    printed = created(app, cast, file(), "--bot", second.public_id)
    assert lotteries.get_by_code(str(printed["code"])).bot_id == second.id


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"title": None}, "title"),
        ({"prizes": [{"name": "Mug", "quantity": 0}]}, "prizes[0].quantity"),
        ({"closes_at": "2020-01-01T00:00:00Z"}, "closes_at"),
        ({"conditions": [{"type": "height"}]}, "conditions[0].type"),
        ({"winner": "me"}, "winner"),
    ],
)
def test_a_bad_file_is_refused_and_the_field_named(
    app: Flask, cast: Cast, file: Callable[..., Path], fields: Json, said: str
):
    result = run(app, "create", "--tenant", cast.tenant.id, "--file", file(**fields))
    assert result.exit_code == 1
    assert said in result.output


@pytest.mark.parametrize("body", ["", "{", "[]", "5"])
def test_what_is_no_json_object_is_refused(app: Flask, cast: Cast, bot: Bot, body: str):
    result = run(app, "create", "--tenant", cast.tenant.id, "--file", "-", text=body)
    assert result.exit_code == 1
    assert "Traceback" not in result.output


def test_an_unknown_tenant_or_somebody_elses_bot_is_not_found(
    app: Flask, cast: Cast, bot: Bot, file: Callable[..., Path]
):
    foreign = a_bot(cast.other_tenant, 3)
    assert run(app, "create", "--tenant", 999_999, "--file", file()).exit_code == 1
    result = run(app, "create", "--tenant", cast.tenant.id, "--file", file(), "--bot", foreign.public_id)
    assert (result.exit_code, "not found" in result.output) == (1, True)


def test_close_queues_the_draw(app: Flask, bot: Bot):
    code = an_open(bot).code
    result = json.loads(run(app, "close", code.lower(), "--json").stdout)
    assert result == {"code": code, "state": "drawing", "closed": True}
    assert lotteries.get_by_code(code).close_reason == "early"
    assert json.loads(run(app, "close", code, "--json").stdout)["closed"] is False


def test_only_what_is_open_is_closed(app: Flask, bot: Bot):
    code = an_open(bot).code
    with transaction():
        lotteries.cancel(lotteries.get_by_code(code).id, "rain")
    assert run(app, "close", code).exit_code == 1
    assert run(app, "close", "NOSUCH99").exit_code == 1


def test_audit_proves_the_chain(app: Flask, bot: Bot):
    code = an_open(bot).code
    run(app, "close", code)
    result = json.loads(run(app, "audit", code, "--json").stdout)
    assert (result["ok"], result["events"], result["broken"]) == (True, 2, None)
    assert "unbroken" in run(app, "audit", code).stdout


def test_audit_finds_a_changed_event(app: Flask, bot: Bot):
    lottery = an_open(bot)
    run(app, "close", lottery.code)
    forge(lottery.id, "UPDATE lottery_event SET body = replace(body, 'early', 'time') WHERE number = 2")
    result = run(app, "audit", lottery.code, "--json")
    assert (result.exit_code, json.loads(result.stdout)["broken"]) == (1, 2)
    assert "Event 2 does not follow" in run(app, "audit", lottery.code).stdout


def a_drawn(bot: Bot) -> Lottery:
    """Two mugs among five people."""
    lottery = an_open(bot)
    enter(lottery, 1, 2, 3, 4, 5)
    close(lottery)
    draw(lottery)
    return lottery


def test_verify_recomputes_a_draw(app: Flask, bot: Bot):
    code = a_drawn(bot).code
    result = run(app, "verify", code)
    assert (result.exit_code, "The 2 winners" in result.stdout) == (0, True)
    printed = json.loads(run(app, "verify", code.lower(), "--json").stdout)
    assert (printed["ok"], printed["mismatch"]) == (True, None)


def test_verify_needs_nothing_but_the_file(app: Flask, bot: Bot, tmp_path: Path):
    path, code = tmp_path / "record.json", a_drawn(bot).code
    assert run(app, "export", code, "--file", path).exit_code == 0
    assert run(app, "verify", path).exit_code == 0
    record = json.loads(path.read_text())
    assert (record["format"], len(record["entries"])) == ("laoban-draw/1", 5)


CHANGES: tuple[tuple[Callable[[Json], object], str], ...] = (
    (lambda record: record["winners"][0].update(prize="Car"), "winner"),
    (lambda record: record["entries"].pop(), "entries_count"),
    (lambda record: record.update(seed="00" * 32), "seed"),
    (lambda record: record["events"].pop(0), "event_chain"),
    (lambda record: record.update(format="x"), "format"),
    (lambda record: record.pop("root"), "shape"),
)


def test_verify_names_the_first_mismatch(app: Flask, bot: Bot, tmp_path: Path):
    path = tmp_path / "record.json"
    run(app, "export", a_drawn(bot).code, "--file", path)
    honest = path.read_text()
    for change, code in CHANGES:
        record = json.loads(honest)
        change(record)
        path.write_text(json.dumps(record))
        result = run(app, "verify", path, "--json")
        assert (result.exit_code, json.loads(result.stdout)["mismatch"]["code"]) == (1, code)
        assert f"[{code}]" in run(app, "verify", path).stdout


def test_verify_finds_what_was_changed_in_the_database(app: Flask, bot: Bot):
    lottery = a_drawn(bot)
    db.session.execute(text("UPDATE lottery_entry SET weight = 7 WHERE telegram_id = 3"))
    db.session.commit()
    assert run(app, "verify", lottery.code).exit_code == 1


def test_verify_says_what_comes_later(app: Flask, bot: Bot):
    result = run(app, "verify", an_open(bot).code)
    assert (result.exit_code, "Can be checked after" in result.stdout) == (0, True)


def test_verify_refuses_what_is_no_record(app: Flask, bot: Bot, tmp_path: Path):
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "other.json").write_text("[1]")
    for source in (
        tmp_path / "broken.json",
        tmp_path / "other.json",
        tmp_path / "none.json",
        a_draft(bot).code,
    ):
        result = run(app, "verify", source)
        assert result.exit_code == 1
        assert "Traceback" not in result.output


def test_export_follows_the_files_name(app: Flask, bot: Bot, tmp_path: Path):
    code = an_open(bot).code
    for name, start in (("a.csv", b"\xef\xbb\xbf"), ("a.xlsx", b"PK"), ("a.JSON", b"{")):
        assert run(app, "export", code, "--file", tmp_path / name).exit_code == 0
        assert (tmp_path / name).read_bytes().startswith(start)


def test_export_of_entries_and_winners(app: Flask, bot: Bot, tmp_path: Path):
    code = a_drawn(bot).code
    lines = {}
    for what in ("entries", "winners"):
        path = tmp_path / f"{what}.json"
        assert run(app, "export", code, "--file", path, "--what", what).exit_code == 0
        lines[what] = json.loads(path.read_text())
    assert [entry["telegram_id"] for entry in lines["entries"]] == [1, 2, 3, 4, 5]
    assert [winner["prize"] for winner in lines["winners"]] == ["Mug", "Mug"]


def test_export_leaves_no_file_behind_when_it_fails(app: Flask, bot: Bot, tmp_path: Path):
    for code, name, more in (
        ("NOSUCH99", "a.csv", ()),
        (a_draft(bot).code, "a.json", ()),
        (an_open(bot).code, "a.pdf", ()),
        (an_open(bot).code, "a.csv", ("--what", "record")),
        (an_open(bot).code, "none/a.csv", ()),
    ):
        assert run(app, "export", code, "--file", tmp_path / name, *more).exit_code == 1
    assert list(tmp_path.iterdir()) == []


def forge(lottery_id: int, change: str) -> None:
    """Changes what nobody may change, by taking all out and putting it back."""
    erasing = text("SELECT set_config('laoban.erasing', 'yes', true)")
    db.session.execute(text("CREATE TEMP TABLE lottery_event_copy AS SELECT * FROM lottery_event"))
    db.session.execute(text(change.replace("lottery_event", "lottery_event_copy")))
    db.session.execute(erasing)
    db.session.execute(text("DELETE FROM lottery_event WHERE lottery_id = :id"), {"id": lottery_id})
    db.session.execute(text("INSERT INTO lottery_event SELECT * FROM lottery_event_copy"))
    db.session.execute(text("DROP TABLE lottery_event_copy"))
    db.session.commit()
