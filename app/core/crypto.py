"""Secrets: encryption at rest with keys that can be changed, fingerprints, derived secrets, masking."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import ClassVar

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from app.core.errors import Misconfigured

# The start of a bot token is the bot's public number; of shorter secrets even that much would be too much.
SHOWN = 10
SHORT = 20


class CryptoError(Misconfigured):
    """Encrypted data and the configured keys do not fit together."""

    code = "crypto"

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


class NoKeys(CryptoError):
    """Nothing can be encrypted: there is no key, or one that is no Fernet key."""

    code = "crypto_no_keys"


class WrongKey(CryptoError):
    """None of the keys opens this value, or somebody changed it."""

    code = "crypto_wrong_key"


class Box:
    """Encrypts with the first key and opens with each. Every value is text."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Raises NoKeys."""
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            # The message of the library names no key, but its cause might; neither is passed on.
            raise NoKeys("ENCRYPTION_KEYS must hold one or more Fernet keys") from None

    def encrypt(self, text: str) -> str:
        """The text as ASCII, different each time (46 characters become 140)."""
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, encrypted: str) -> str:
        """Raises WrongKey."""
        try:
            return self._fernet.decrypt(encrypted.encode()).decode()
        except InvalidToken:
            raise WrongKey("no key of ENCRYPTION_KEYS opens a stored secret") from None

    def rotate(self, encrypted: str) -> str:
        """The same secret under the first key. Raises WrongKey."""
        try:
            return self._fernet.rotate(encrypted.encode()).decode()
        except InvalidToken:
            raise WrongKey("no key of ENCRYPTION_KEYS opens a stored secret") from None


class _Configured:
    """The box of this process."""

    box: ClassVar[Box | None] = None


def configure(keys: Sequence[str]) -> None:
    """Sets the keys of this process; the first encrypts. Raises NoKeys."""
    _Configured.box = Box(keys)


def box() -> Box:
    """The box of this process. Raises NoKeys before `configure`."""
    if _Configured.box is None:
        raise NoKeys("the encryption keys were not set up")
    return _Configured.box


class EncryptedText(TypeDecorator[str]):
    """A text column that is encrypted on its way to the database. It can't be searched: keep a fingerprint."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Encrypts."""
        return None if value is None else box().encrypt(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Opens."""
        return None if value is None else box().decrypt(value)


def generate_key() -> str:
    """A new Fernet key."""
    return Fernet.generate_key().decode()


def fingerprint(pepper: str, value: str) -> str:
    """HMAC-SHA256 in hex: equal for equal values, tells nothing about them. For unique columns and look-ups."""
    return hmac.new(pepper.encode(), value.encode(), hashlib.sha256).hexdigest()


def derive(master: str, *parts: str | int) -> str:
    """A secret that can always be made again: 43 characters of `A-Za-z0-9_-`, other parts give another one."""
    # Each part brings its length, so ("ab", "c") and ("a", "bc") differ.
    encoded = [str(part).encode() for part in parts]
    message = b"".join(b"%d:%b" % (len(part), part) for part in encoded)
    digest = hmac.new(master.encode(), message, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def constant_time_equal(left: str | bytes, right: str | bytes) -> bool:
    """Compares without telling by its time where the two differ. Any text is allowed, ASCII or not."""
    return hmac.compare_digest(_bytes(left), _bytes(right))


def _bytes(value: str | bytes) -> bytes:
    # Header values may hold lone surrogates, which plain UTF-8 refuses.
    return value.encode(errors="surrogatepass") if isinstance(value, str) else value


def mask(token: str) -> str:
    """What may be shown of a secret: its first ten characters, nothing of a short one."""
    return f"{token[:SHOWN] if len(token) >= SHORT else ''}***"
