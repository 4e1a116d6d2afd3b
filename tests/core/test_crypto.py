"""Secrets at rest."""

import re

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, text

from app.core import crypto
from app.core.crypto import Box, EncryptedText, NoKeys, WrongKey
from app.core.errors import AppError

TOKEN = "7123456789:AAE0" + "x" * 31


@pytest.fixture
def configured(monkeypatch):
    """Keys of this process, as they were afterwards."""
    monkeypatch.setattr(crypto._Configured, "box", None)
    return crypto.configure


def test_what_goes_in_comes_out():
    box = Box([crypto.generate_key()])
    assert box.decrypt(box.encrypt("老板 " + TOKEN)) == "老板 " + TOKEN


def test_the_same_secret_never_looks_the_same():
    box = Box([crypto.generate_key()])
    assert box.encrypt(TOKEN) != box.encrypt(TOKEN)
    assert TOKEN not in box.encrypt(TOKEN)


def test_an_old_key_still_opens_and_rotation_frees_us_from_it():
    old, new = crypto.generate_key(), crypto.generate_key()
    before = Box([old]).encrypt(TOKEN)
    both = Box([new, old])
    assert both.decrypt(before) == TOKEN
    after = both.rotate(before)
    assert Box([new]).decrypt(after) == TOKEN
    with pytest.raises(WrongKey):
        Box([new]).decrypt(before)


@pytest.mark.parametrize("broken", ["", "gAAAA", "x" * 100, "老板", TOKEN])
def test_what_no_key_opens_is_an_error_of_ours_without_the_value(broken):
    box = Box([crypto.generate_key()])
    for action in (box.decrypt, box.rotate):
        with pytest.raises(WrongKey) as caught:
            action(broken)
        assert isinstance(caught.value, AppError)
        assert not broken or broken not in str(caught.value)


def test_a_changed_value_is_refused():
    box = Box([crypto.generate_key()])
    encrypted = box.encrypt(TOKEN)
    with pytest.raises(WrongKey):
        box.decrypt(encrypted[:60] + ("A" if encrypted[60] != "A" else "B") + encrypted[61:])


@pytest.mark.parametrize("keys", [[], [""], ["short"], ["x" * 44], ["老板"]])
def test_without_a_real_key_nothing_starts(keys):
    with pytest.raises(NoKeys) as caught:
        Box(keys)
    assert caught.value.__cause__ is None


def test_a_column_is_encrypted_in_the_database(configured):
    configured([crypto.generate_key()])
    table = Table("secrets", MetaData(), Column("id", Integer, primary_key=True), Column("it", EncryptedText))
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(table.insert(), [{"id": 1, "it": TOKEN}, {"id": 2, "it": None}])
        assert connection.scalars(table.select().with_only_columns(table.c.it)).all() == [TOKEN, None]
        stored = connection.scalar(text("SELECT it FROM secrets WHERE id = 1"))
    engine.dispose()
    assert TOKEN not in stored
    assert crypto.box().decrypt(stored) == TOKEN


def test_a_column_before_the_keys_are_known_says_so(configured):
    with pytest.raises(NoKeys):
        EncryptedText().process_bind_param(TOKEN, None)


def test_a_fingerprint_depends_on_value_and_pepper():
    prints = {crypto.fingerprint(pepper, value) for pepper in ("p", "q") for value in ("a", "b", "老板")}
    assert len(prints) == 6
    assert crypto.fingerprint("p", "a") == crypto.fingerprint("p", "a")


def test_a_derived_secret_suits_telegram_and_can_be_made_again():
    secret = crypto.derive("master", "public", 1)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", secret)
    assert secret == crypto.derive("master", "public", 1)


def test_derived_secrets_differ_where_the_parts_do():
    parts = [("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), ("", "abc"), ("1:a",), ("a", 1), ()]
    assert len({crypto.derive("master", *each) for each in parts}) == len(parts)


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        ("secret", "secret", True),
        ("secret", b"secret", True),
        ("secret", "Secret", False),
        ("secret", "", False),
        ("secret", "sécret", False),
        ("老板", "老板", True),
        ("\udcff", "\udcff", True),
        (b"\xff", "ÿ", False),
    ],
)
def test_comparing_takes_any_text(left, right, equal):
    assert crypto.constant_time_equal(left, right) is equal


def test_a_mask_shows_the_bot_and_no_secret():
    assert crypto.mask(TOKEN) == "7123456789***"
    assert crypto.mask("short") == "***"
