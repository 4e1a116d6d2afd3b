"""Wrong settings stop the start with a clear error."""

import pytest
from cryptography.fernet import Fernet

from app.core.errors import Misconfigured
from app.core.settings import load_settings

PRODUCTION = {
    "APP_ENV": "production",
    "SECRET_KEY": "s" * 32,
    "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    "DATABASE_URL": "postgres://app@db/laoban",
    "REDIS_URL": "redis://cache/0",
}


@pytest.fixture
def production(monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in PRODUCTION.items():
        monkeypatch.setenv(name, value)


def test_a_complete_production_starts_and_needs_no_server_of_ours(production):
    settings = load_settings()
    assert settings.database_url == "postgresql+psycopg://app@db/laoban"


@pytest.mark.parametrize("name", ["SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL", "REDIS_URL"])
def test_production_names_what_is_missing(production, monkeypatch, name: str):
    monkeypatch.setenv(name, "")
    with pytest.raises(Misconfigured, match=name):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENCRYPTION_KEYS", "not-a-key"),
        ("PUBLIC_URL", "example.com"),
        ("PORT", "70000"),
        ("POLL_TIMEOUT", "51"),
        ("APP_ENV", "staging"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_a_wrong_value_is_named_and_never_shown(production, monkeypatch, name: str, value: str):
    monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured, match=name) as refused:
        load_settings()
    assert "not-a-key" not in str(refused.value)


def test_mail_in_production_needs_an_address_of_ours(production, monkeypatch):
    monkeypatch.setenv("MAIL_URL", "smtp://mail.example:25")
    with pytest.raises(Misconfigured, match="PUBLIC_URL"):
        load_settings()


def test_several_keys_are_read_in_order(production, monkeypatch):
    first, second = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    monkeypatch.setenv("ENCRYPTION_KEYS", f"{first}, {second}")
    assert load_settings().keys == [first, second]
