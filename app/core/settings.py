"""Typed settings, read once from the environment (and `.env`); a wrong value stops the start with a clear error.

Every variable that the program reads is a field of `Settings`; `docs/settings.md` is the same list for people.
"""

import json
import os
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from cryptography.fernet import Fernet
from psycopg.conninfo import make_conninfo
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from app.core import embedded
from app.core.errors import Misconfigured
from app.core.ids import api_key
from app.core.order_settings import OrderSettings, web_address
from app.core.safe_url import Origin, read_origin

TELEGRAM = "https://api.telegram.org"
CUT_LINE = {
    "keepalives_idle": 20,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""A PostgreSQL that vanished from the network is noticed within half a minute; systems by themselves take a quarter of
an hour, or two hours where nothing is under way."""
RUN_FILE = "run.env"
"""In EMBEDDED_DIR: what `make run` chose, while it runs, so that a command in another terminal means the same."""


class Settings(OrderSettings):
    """All settings. Names are the environment variables in lower case; times are seconds."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)

    app_env: Literal["production", "development", "test"] = Field(
        "development", description="production refuses to start when a secret or a URL is missing"
    )
    secret_key: SecretStr = Field(SecretStr(""), description="signs sessions and webhook secrets")
    encryption_keys: Annotated[list[SecretStr], NoDecode] = Field(
        [], description="Fernet keys, comma-separated; the first encrypts, all decrypt"
    )
    database_url: str = Field("", description="PostgreSQL; empty = our own, in EMBEDDED_DIR")
    database_owner_url: str = Field(
        "", description="The role that migrates, where it is another than the one that serves"
    )
    database_pooler: bool = Field(
        default=False, description="True behind a transaction pooler: no prepared statements"
    )
    database_pool_size: int = Field(20, ge=1, le=200, description="connections of one process")
    redis_url: str = Field("", description="Redis; empty = our own, in EMBEDDED_DIR")
    embedded_dir: Path = Field(Path(".local"), description="where our own servers keep their data")

    public_url: str = Field(
        "", description="https address under which Telegram reaches us; empty = polling only"
    )
    tenant_domain: str = Field("", description="bosses are served on <slug>.<tenant_domain> where it is set")
    port: int = Field(8000, ge=1, le=65535, description="of the web process")
    web_concurrency: int = Field(1, ge=1, le=64, description="web worker processes; one per core")
    trusted_proxies: int = Field(0, ge=0, le=5, description="how many proxies in front set X-Forwarded-*")

    telegram_api_url: str = Field(TELEGRAM, description="another Bot API server, or the sandbox")
    telegram_connect_timeout: float = Field(5.0, gt=0, description="seconds")
    telegram_read_timeout: float = Field(20.0, gt=0, description="seconds, for everything but long polls")
    poll_timeout: int = Field(50, ge=1, le=50, description="seconds of one long poll")
    poll_shards: int = Field(4, ge=1, le=64, description="slices of the bots that are polled")
    poll_handshakes: int = Field(
        100, ge=1, description="new connections to Telegram under way at once, per process"
    )
    chat_shards: int = Field(
        32, ge=1, le=256, description="slices of the chats; change only with empty inbox"
    )
    drain_slices: int = Field(
        2, ge=1, le=32, description="resident readers of the inbox, all workers together"
    )
    drain_chats: int = Field(100, ge=1, le=1000, description="chats that one reader handles at once")
    slice_seconds: float = Field(
        120.0, ge=1, le=200, description="a resident task hands over after this long"
    )
    lease_seconds: float = Field(6.0, ge=1, le=120, description="a dead reader is replaced after this long")
    inbox_cap: int = Field(
        10_000, ge=10, description="open updates of one bot before we ask Telegram to wait"
    )
    inbox_keep_hours: int = Field(48, ge=25, description="done updates stay this long to recognise repeats")
    conversation_ttl: int = Field(
        86_400, ge=60, description="seconds that a conversation waits for its answer"
    )

    drand_urls: Annotated[list[str], NoDecode] = Field(
        [],
        description="base addresses of drand relays, comma-separated, two or more of them; empty = draws without a beacon",
    )
    drand_chain: str = Field(
        "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971",
        description="hash of the drand chain that the relays must serve (quicknet)",
    )

    outbound_origins: Annotated[list[Origin], NoDecode] = Field(
        [],
        description="origins (http://127.0.0.1:8081), comma-separated, that partners' addresses may have although they are not public https",
    )
    mail_url: str = Field(
        "", description="smtp://user:password@host:587; empty = no mail, no e-mail confirmation"
    )
    mail_from: str = Field("Laoban <no-reply@localhost>", description="the sender of our mail")
    metrics_token: SecretStr = Field(
        SecretStr(""), description="/metrics asks for it as a bearer token where it is set"
    )
    prometheus_multiproc_dir: str = Field(
        "", description="a folder where all processes of one host keep their counters"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="what is worth a line"
    )
    log_format: Literal["json", "console"] = Field("json", description="one JSON object a line, or text")

    @field_validator("encryption_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        return [key for key in value.split(",") if key.strip()] if isinstance(value, str) else value

    @field_validator("encryption_keys")
    @classmethod
    def _fernet_keys(cls, value: list[SecretStr]) -> list[SecretStr]:
        for key in value:
            Fernet(key.get_secret_value().strip())
        return [SecretStr(key.get_secret_value().strip()) for key in value]

    @field_validator("drand_urls", mode="before")
    @classmethod
    def _split_urls(cls, value: object) -> object:
        return (
            [url.strip().rstrip("/") for url in value.split(",") if url.strip()]
            if isinstance(value, str)
            else value
        )

    @field_validator("outbound_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: object) -> object:
        return (
            [read_origin(origin.strip()) for origin in value.split(",") if origin.strip()]
            if isinstance(value, str)
            else value
        )

    @field_validator("public_url", "telegram_api_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        return web_address(value)

    @field_validator("database_url", "database_owner_url")
    @classmethod
    def _psycopg(cls, value: str) -> str:
        """`postgres://` and `postgresql://` of PaaS hosts become SQLAlchemy's psycopg 3 form."""
        for scheme in ("postgres://", "postgresql://"):
            if value.startswith(scheme):
                return "postgresql+psycopg://" + value.removeprefix(scheme)
        return value

    @model_validator(mode="after")
    def _production_needs_secrets(self) -> Self:
        if self.app_env == "production":
            needed = ("secret_key", "encryption_keys", "database_url", "redis_url")
            values = {name: getattr(self, name) for name in needed}
            missing = [
                name.upper()
                for name, value in values.items()
                if not (value.get_secret_value() if isinstance(value, SecretStr) else value)
            ]
            if missing:
                raise ValueError(f"in production these must be set: {', '.join(missing)}")
            if self.mail_url and not self.public_url:
                raise ValueError(
                    "MAIL_URL needs PUBLIC_URL: links in mail must not follow the request's Host"
                )
        return self

    @property
    def libpq_url(self) -> str:
        """The serving role's URL as libpq and psycopg read it, with the limits that notice a cut line."""
        url = self.database_url.replace("postgresql+psycopg://", "postgresql://", 1)
        return make_conninfo(url, **CUT_LINE)

    @property
    def migration_url(self) -> str:
        """The owner's URL where there are two roles, else the serving one."""
        return self.database_owner_url or self.database_url

    @property
    def keys(self) -> list[str]:
        """The Fernet keys in clear; the first encrypts."""
        return [key.get_secret_value() for key in self.encryption_keys]


def _development_secrets(settings: Settings) -> None:
    """Makes missing secrets once and keeps them in EMBEDDED_DIR, so that a restart can still read the database."""
    if settings.secret_key.get_secret_value() and settings.encryption_keys:
        return
    path = settings.embedded_dir / "secrets.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = {"secret_key": api_key(), "encryption_key": Fernet.generate_key().decode()}
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            json.dump(fresh, file)
    except FileExistsError:
        fresh = json.loads(path.read_text())
    if not settings.secret_key.get_secret_value():
        settings.secret_key = SecretStr(fresh["secret_key"])
    if not settings.encryption_keys:
        settings.encryption_keys = [SecretStr(fresh["encryption_key"])]


def _embedded_servers(settings: Settings) -> None:
    if settings.database_url and settings.redis_url:
        return
    urls = embedded.ensure(
        settings.embedded_dir, postgres=not settings.database_url, redis=not settings.redis_url
    )
    if not settings.database_url:
        settings.database_url = urls.database_url.replace("postgresql://", "postgresql+psycopg://", 1)
        settings.database_owner_url = urls.owner_url.replace("postgresql://", "postgresql+psycopg://", 1)
    settings.redis_url = settings.redis_url or urls.redis_url


def read_settings() -> Settings:
    """Reads the environment and `.env`; in development, beneath both, what `make run` chose. Raises Misconfigured."""
    settings = _read(".env")
    chosen = settings.embedded_dir / RUN_FILE
    if settings.app_env == "development" and chosen.is_file():
        return _read(chosen, ".env")
    return settings


def _read(*files: Path | str) -> Settings:
    try:
        return Settings(_env_file=files)
    except ValidationError as error:
        lines = "; ".join(
            f"{'.'.join(str(part).upper() for part in item['loc']) or 'settings'}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)
        )
        raise Misconfigured(reason=lines) from None


def load_settings() -> Settings:
    """Reads the settings; starts the embedded servers where no URL is given. Raises Misconfigured."""
    settings = read_settings()
    if settings.app_env != "production":
        _development_secrets(settings)
        _embedded_servers(settings)
    return settings


@cache
def get_settings() -> Settings:
    """The settings of this process."""
    return load_settings()
