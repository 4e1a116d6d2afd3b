"""Slows down guessing: each failed try of one account from one network doubles the wait, up to 30 seconds.

A try is counted before it is looked at, so that many at once count as many, and forgotten when it was right. Nobody
is locked out: the same account from another network has a count of its own.
"""

import math

from sqlalchemy import delete, text

from app.core import clock, crypto
from app.core.db import db
from app.core.errors import LimitReached
from app.core.i18n import N_
from app.core.settings import get_settings
from app.domain.people import clean_email, network_of
from app.models import LoginThrottle

# `failures` starts anew after an hour without a try. The wait after n tries is 1, 2, 4, 8, 16, 30, 30, … seconds.
_CLAIM = text("""
INSERT INTO login_throttle AS t (key, failures, blocked_until, last_at)
VALUES (:key, 1, :now + interval '1 second', :now)
ON CONFLICT (key) DO UPDATE SET
    failures = CASE WHEN t.last_at < :now - interval '1 hour' THEN 1 ELSE t.failures + 1 END,
    blocked_until = :now + make_interval(secs => CASE WHEN t.last_at < :now - interval '1 hour' THEN 1
        ELSE least(30, power(2, least(t.failures, 5))) END),
    last_at = :now
WHERE t.blocked_until IS NULL OR t.blocked_until <= :now
RETURNING failures
""")


class TooManyTries(LimitReached):
    code = "too_many_tries"
    message = N_("Too many tries. Please wait %(retry_after)s seconds and try again.")


def claim_try(account: str, ip: str | None) -> None:
    """Counts a try, whether the account exists or not. Raises TooManyTries while the wait lasts."""
    now = clock.now()
    key = _key(account, ip)
    if db.session.execute(_CLAIM, {"key": key, "now": now}).first() is not None:
        return
    row = db.session.get(LoginThrottle, key)
    until = row.blocked_until if row else None
    wait = (until - now).total_seconds() if until else 1
    raise TooManyTries(retry_after=max(1, math.ceil(wait)))


def forget_tries(account: str, ip: str | None) -> None:
    """The try was right."""
    db.session.execute(delete(LoginThrottle).where(LoginThrottle.key == _key(account, ip)))


def _key(account: str, ip: str | None) -> str:
    pepper = get_settings().secret_key.get_secret_value()
    return f"{crypto.fingerprint(pepper, clean_email(account))}|{network_of(ip)}"
