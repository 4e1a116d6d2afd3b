"""Everything for one order, in a thread of its own: calls between transactions, until it is delivered or waits."""

import logging
from functools import partial
from typing import Final

from flask import Flask
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from app.core.db import db, is_away
from app.core.errors import OutsideFailed
from app.core.queue import transaction
from app.core.tenancy import tenant_scope
from app.services.fulfilment import claims, outcome, work
from app.services.fulfilment.calls import Call, Stopped
from app.services.fulfilment.claims import Claimed
from app.services.fulfilment.errors import Hopeless, Later, LeaseLost, Reason
from bots.heartbeat import write_down
from bots.order_signs import Signs

log = logging.getLogger(__name__)
KEEP_SECONDS: Final = 30.0
"""So long a PostgreSQL that is away is waited for, lest a call that is paid for be made once more."""


def produce(app: Flask, claimed: Claimed, signs: Signs) -> bool:
    """Works on the order until it is delivered, waits or has failed; ends early when it is not ours any more.

    True = PostgreSQL went away in the middle, so the order has to be given back.
    """
    with app.app_context(), tenant_scope(claimed.tenant_id):
        try:
            _produce(claimed, signs)
        except LeaseLost:
            log.warning("an order was taken over", extra={"order": claimed.id, "lease": claimed.lease})
        except Exception as error:
            # Whatever it is: it concerns this order, and must not end the others' worker.
            if isinstance(error, DBAPIError | NoConnectionFree) and is_away(error):
                log.warning("an order waits for the database", extra={"order": claimed.id})
                return True
            log.exception("an order broke", extra={"order": claimed.id})
            _wait_broken(claimed)
        finally:
            signs.close()
            db.session.remove()
    return False


def _produce(claimed: Claimed, signs: Signs) -> None:
    try:
        while True:
            signs.check()
            with transaction():
                call = work.next_call(claimed)
            if call is None or not _make(call, signs):
                return
    except Stopped:
        with transaction():
            claims.give_back([claimed])
    except Later as later:
        with transaction():
            outcome.postpone(claimed, later)
    except Hopeless as hopeless:
        with transaction():
            outcome.give_up(claimed, hopeless)


def _make(call: Call, signs: Signs) -> bool:
    """Makes a call and has its answer written down; False when that ended the work."""
    signs.begin(call.step)
    try:
        write = call.make(signs)
    except Stopped:
        raise
    except OutsideFailed as error:
        log.warning(
            "a step failed", extra={"order": call.claimed.id, "step": call.step, "reason": str(error)}
        )
        return _missed(call, error)
    except Exception as error:
        log.exception("a step broke", extra={"order": call.claimed.id, "step": call.step})
        return _missed(call, error)
    ending = write_down(partial(work.keep, call, write), KEEP_SECONDS)
    if ending is not None:
        raise ending
    return True


def _missed(call: Call, error: Exception) -> bool:
    with transaction():
        work.missed(call, error)
    return False


def _wait_broken(claimed: Claimed) -> None:
    """Our own code failed: it is tried again some time, and the boss hears of it in the end."""
    try:
        with transaction():
            outcome.postpone(claimed, Later(Reason.BROKEN))
    except LeaseLost:
        log.warning("an order was taken over", extra={"order": claimed.id, "lease": claimed.lease})
