"""A batch on its way to a partner: signed in version 2, sent by the one door for addresses that others give us."""

import secrets as randomness
from collections.abc import Sequence
from typing import Final

from app.core import clock
from app.core.outbound import FetchFailed, safe_fetch
from app.core.safe_url import UnsafeUrl, check_url
from app.core.settings import get_settings
from app.domain import credit_signing
from app.domain.credit_sync import MAX_ANSWER, Answer, Trouble, Verdict, body, read_answer

SECONDS: Final = 10.0
"""For connecting, sending and the answer together."""


def send(url: str, key_id: str, secrets: Sequence[str], batch_id: str, items: Sequence[bytes]) -> Answer:
    """Sends a batch and says what came of it; whatever goes wrong is an answer too."""
    raw = body(batch_id, items)
    try:
        answer = safe_fetch(
            url,
            method="POST",
            headers=_headers(url, key_id, secrets, raw),
            body=raw,
            timeout=SECONDS,
            max_bytes=MAX_ANSWER,
        )
    except UnsafeUrl:
        return Answer(Verdict.LATER, Trouble.UNSAFE)
    except FetchFailed as error:
        return Answer(Verdict.LATER, f"{Trouble.NO_ANSWER}:{error.reason}")
    return read_answer(answer.status, answer.headers, answer.body, batch_id, clock.now())


def _headers(url: str, key_id: str, secrets: Sequence[str], raw: bytes) -> dict[str, str]:
    """Raises UnsafeUrl."""
    path, _, query = check_url(url, get_settings().outbound_origins).path.partition("?")
    timestamp, nonce = str(int(clock.now().timestamp())), randomness.token_urlsafe(16)
    message = credit_signing.string_to_sign(
        key_id, method="POST", path=path, query=query, timestamp=timestamp, nonce=nonce, body=raw
    )
    return {
        "Content-Type": "application/json",
        "X-Api-Key": key_id,
        "X-Timestamp": timestamp,
        "X-Nonce": nonce,
        "X-Signature": ",".join(credit_signing.sign_v2(secret, message) for secret in secrets),
    }
