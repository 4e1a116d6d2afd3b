"""Postings of one tenant that partner projects ask for at the same moment, made together.

Each call is checked by itself and in the same order as by the Flask view. Limits cost one round trip for all, nonces one
commit before any effect, postings one transaction. Whatever is not plainly in order before a call has used up anything
is left to the view.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Flask
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.core import call_limits
from app.core.call_limits import Allowance
from app.core.db import at_once, is_away
from app.core.errors import AppError
from app.core.queue import transaction
from app.core.tenancy import plans_kept, tenant_scope
from app.domain.credit_clients import Scope
from app.domain.credit_signing import Asked
from app.domain.credits import NewPosting, Posting
from app.http.credits import new_posting
from app.http.credits_auth import Refused
from app.http.credits_schema import Posting as AskedPosting
from app.services import credit_calls
from app.services.credit_clients import Caller, checking, nonces

Result = Posting | Exception


@dataclass(frozen=True, slots=True)
class Done:
    """A posting that was made, or had been made before."""

    allowance: Allowance
    posting: Posting


Outcome = Done | Refused | None
"""None = nothing was used or done: the view answers."""


@dataclass(frozen=True, slots=True)
class _Proven:
    """A call that is its caller's own and asks for a posting, and where in the group it stands."""

    place: int
    caller: Caller
    new: NewPosting


def settle(app: Flask, group: Sequence[Asked]) -> list[Outcome]:
    """What became of each call, in order. All must name keys of one tenant."""
    outcomes: list[Outcome] = [None] * len(group)
    with app.app_context():
        calls = [call for place, asked in enumerate(group) if (call := _prove(place, asked))]
        taken = call_limits.take_many([call.caller.limits for call in calls]) if calls else []
        let_in = [(call, allowance) for call, allowance in zip(calls, taken, strict=True) if allowance.ok]
        results = _post_new([call for call, _ in let_in]) if let_in else []
        for (call, allowance), result in zip(let_in, results, strict=True):
            outcomes[call.place] = (
                Done(allowance, result)
                if isinstance(result, Posting)
                else Refused(call.caller.tenant_id, allowance, result)
            )
    return outcomes


def _prove(place: int, asked: Asked) -> _Proven | None:
    try:
        caller = checking.check(asked, Scope.POST)
        fields = checking.read_fields(asked.body)
        return _Proven(place, caller, new_posting(caller, AskedPosting.model_validate(fields)))
    except (AppError, ValidationError, DBAPIError, PoolTimeout):
        return None


def _post_new(calls: Sequence[_Proven]) -> list[Result]:
    """Keeps the nonces, then posts for those whose nonce is new."""
    try:
        with at_once() as connection:
            replayed = nonces.use_many(connection, [call.caller for call in calls])
    except (DBAPIError, PoolTimeout) as error:
        return [error] * len(calls)
    posted = iter(_post([call for call, refused in zip(calls, replayed, strict=True) if refused is None]))
    return [next(posted) if refused is None else refused for refused in replayed]


def _post(calls: Sequence[_Proven]) -> list[Result]:
    """All in one transaction. Where that fails, each in its own; the references keep any from being made twice."""
    if len(calls) > 1:
        caller = calls[0].caller
        try:
            with tenant_scope(caller.tenant_id), plans_kept(), transaction():
                return [*credit_calls.post_many(caller, [call.new for call in calls], atomic=False)]
        except (DBAPIError, PoolTimeout) as error:
            if is_away(error):
                return [error] * len(calls)
    return _post_one_by_one(calls)


def _post_one_by_one(calls: Sequence[_Proven]) -> list[Result]:
    results: list[Result] = []
    # An account that somebody holds is waited for once, not once for each of its postings.
    held: dict[int, Exception] = {}
    for call in calls:
        user = call.new.telegram_id
        try:
            results.append(held[user] if user in held else _post_one(call))
        except (DBAPIError, PoolTimeout) as error:
            held[user] = error
            results.append(error)
    return results


def _post_one(call: _Proven) -> Result:
    try:
        with tenant_scope(call.caller.tenant_id), plans_kept(), transaction():
            return credit_calls.post(call.caller, call.new)
    except AppError as error:
        return error
