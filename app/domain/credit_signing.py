"""How calls of partner projects are signed, in both versions. The specification's own examples are tests of this file.

Version 2 signs everything that is sent: `string_to_sign` names its parts. Version 1, of partners that came first, signs
four fields of the body only.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.core.i18n import N_
from app.domain.credit_clients import InvalidCall, InvalidKey, InvalidSignature
from app.domain.credits import SOURCE

ALGORITHM: Final = "LEDGER-HMAC-SHA256-V2"
API_KEY: Final = re.compile(r"[A-Za-z0-9_-]{4,40}\.[A-Za-z0-9_-]{16,128}", re.ASCII)
TIMESTAMP: Final = re.compile(r"[0-9]{10}", re.ASCII)
NONCE: Final = re.compile(r"[A-Za-z0-9_-]{22,64}", re.ASCII)
SIGNATURE: Final = re.compile(r"v2=[0-9a-f]{64}(?:,v2=[0-9a-f]{64})?", re.ASCII)
TOKEN: Final = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
V1_FIELDS: Final[Mapping[str, re.Pattern[str]]] = {
    "telegram_id": re.compile(r"[0-9]{1,18}", re.ASCII),
    "amount": re.compile(r"-?[0-9]{1,13}", re.ASCII),
    "source": SOURCE,
    "timestamp": TIMESTAMP,
    "token": TOKEN,
}
"""Narrow, so that nothing can shift across the ":" between them."""
SHAPE: Final = N_("The header %(header)s must be there exactly once, as %(shape)s.")
FIELD: Final = N_("The field %(field)s must be there, as %(shape)s.")


@dataclass(frozen=True, slots=True)
class Asked:
    """A call as it came over the wire: path and query not decoded, headers in any case and as often as they came."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    address: str

    def header(self, name: str) -> list[str]:
        """All values of a header; `name` in lower case."""
        return [value for given, value in self.headers if given.lower() == name]

    @property
    def is_v1(self) -> bool:
        """Whether it has none of the headers that only version 2 has."""
        return not any(self.header(name) for name in ("x-signature", "x-nonce", "x-timestamp"))


@dataclass(frozen=True, slots=True)
class Signed:
    """The headers of version 2, each of a proper shape; nothing of it is proven."""

    api_key: str
    timestamp: str
    nonce: str
    signatures: tuple[str, ...]
    """In hex."""

    @property
    def key_id(self) -> str:
        """The part of the API key that is signed and no secret."""
        return key_id_of(self.api_key)


def key_id_of(api_key: str) -> str:
    """What stands before the first dot."""
    return api_key.partition(".")[0]


def read_api_key(asked: Asked) -> str:
    """Raises InvalidKey."""
    found = asked.header("x-api-key")
    if len(found) != 1 or not API_KEY.fullmatch(found[0]):
        raise InvalidKey(SHAPE, header="X-Api-Key", shape="<key id>.<secret part>")
    return found[0]


def read_v2(asked: Asked) -> Signed:
    """Raises InvalidKey, InvalidSignature."""
    return Signed(
        api_key=read_api_key(asked),
        timestamp=_header(asked, "X-Timestamp", TIMESTAMP),
        nonce=_header(asked, "X-Nonce", NONCE),
        signatures=tuple(
            part.removeprefix("v2=") for part in _header(asked, "X-Signature", SIGNATURE).split(",")
        ),
    )


def _header(asked: Asked, name: str, shape: re.Pattern[str]) -> str:
    found = asked.header(name.lower())
    if len(found) != 1 or not shape.fullmatch(found[0]):
        raise InvalidSignature(SHAPE, header=name, shape=shape.pattern)
    return found[0]


def string_to_sign(
    key_id: str, *, method: str, path: str, query: str, timestamp: str, nonce: str, body: bytes
) -> bytes:
    """What version 2 signs; `path` and `query` as they are sent, the query without its "?"."""
    digest = hashlib.sha256(body).hexdigest()
    parts = (ALGORITHM, key_id, method, path, query, timestamp, nonce, digest)
    # Paths come from the wire, where a byte is a character.
    return "\n".join(parts).encode("latin-1", "replace")


def sign_v2(secret: str | bytes, message: bytes) -> str:
    """The value of X-Signature."""
    return f"v2={_hmac(secret, message)}"


def fits(secret: str | bytes, signed: Signed, asked: Asked) -> bool:
    """Whether one of the signatures is the one of this call. Takes the same time for all that are wrong."""
    message = string_to_sign(
        signed.key_id,
        method=asked.method,
        path=asked.path,
        query=asked.query,
        timestamp=signed.timestamp,
        nonce=signed.nonce,
        body=asked.body,
    )
    right = _hmac(secret, message)
    # Each is looked at: summing stops at none.
    return sum(hmac.compare_digest(right, given) for given in signed.signatures) > 0


def sign_v1(secret: str | bytes, telegram_id: str, amount: str, source: str, timestamp: str) -> str:
    """The token of version 1, over the texts as they are sent."""
    return _hmac(secret, f"{telegram_id}:{amount}:{source}:{timestamp}".encode())


@dataclass(frozen=True, slots=True)
class SignedV1:
    """The fields that version 1 needs, as texts, each of a proper shape."""

    telegram_id: str
    amount: str
    source: str
    timestamp: str
    token: str


def read_v1(fields: Mapping[str, object]) -> SignedV1:
    """Raises InvalidCall, which names every field that is not right."""
    found = {name: _text(fields.get(name)) for name in V1_FIELDS}
    wrong = [name for name, shape in V1_FIELDS.items() if not shape.fullmatch(found[name])]
    if wrong:
        raise InvalidCall(
            FIELD,
            fields={name: [V1_FIELDS[name].pattern] for name in wrong},
            field=wrong[0],
            shape=V1_FIELDS[wrong[0]].pattern,
        )
    return SignedV1(**found | {"token": found["token"].lower()})


def _text(value: object) -> str:
    """A number of JSON as its digits; what is neither number nor text fits no shape."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        return str(value)
    return value if isinstance(value, str) else ""


def fits_v1(secret: str | bytes, signed: SignedV1) -> bool:
    """Whether the token is the one of these fields."""
    right = sign_v1(secret, signed.telegram_id, signed.amount, signed.source, signed.timestamp)
    return hmac.compare_digest(right, signed.token)


def binding(asked: Asked, reference: str) -> str:
    """All that version 1 leaves unsigned, as one hash: a token is bound to it at its first use."""
    digest = hashlib.sha256(asked.body).hexdigest()
    parts = (asked.method, asked.path, asked.query, reference, digest)
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()


def _hmac(secret: str | bytes, message: bytes) -> str:
    key = secret.encode() if isinstance(secret, str) else secret
    return hmac.new(key, message, hashlib.sha256).hexdigest()
