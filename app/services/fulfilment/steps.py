"""Work that is done once per order and kept: a row is written before each outside call, its result after it.

So a worker that starts again pays for no chart and no text twice. A call whose worker died is the only one that is made
again, since nobody knows what came of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select, text

from app.core import clock, jsonb
from app.core.db import db
from app.domain.orders import Step, StepState
from app.models import OrderStep
from app.services.fulfilment.claims import Claimed
from app.services.fulfilment.errors import LeaseLost

_MINE = "o.id = :order_id AND o.state = 'generating' AND o.phase = 'producing' AND o.lease_token = :lease"
_BEGIN = text(f"""
INSERT INTO order_step AS s (tenant_id, order_id, step, state, calls, source, started_at)
SELECT o.tenant_id, o.id, :step, 'calling', 1, :source, :now FROM orders o WHERE {_MINE}
ON CONFLICT (order_id, step) DO UPDATE SET state = 'calling', calls = s.calls + 1, source = excluded.source,
    started_at = excluded.started_at, error = NULL
WHERE s.state <> 'done' RETURNING s.calls
""")  # noqa: S608 - no input of anybody
_KEEP = text(f"""
INSERT INTO order_step AS s
    (tenant_id, order_id, step, state, source, result, file_id, sha256, usage, cost_micro, started_at, done_at)
SELECT o.tenant_id, o.id, :step, 'done', :source, CAST(:result AS jsonb), :file_id, :sha256,
    CAST(:usage AS jsonb), :cost, :now, :now FROM orders o WHERE {_MINE}
ON CONFLICT (order_id, step) DO UPDATE SET state = 'done', source = excluded.source, result = excluded.result,
    file_id = excluded.file_id, sha256 = excluded.sha256, usage = excluded.usage,
    cost_micro = s.cost_micro + excluded.cost_micro, error = NULL, done_at = excluded.done_at
RETURNING s.calls
""")  # noqa: S608 - same
_MISS = text(f"""
UPDATE order_step s SET state = 'failed', error = :error, usage = CAST(:usage AS jsonb),
    cost_micro = s.cost_micro + :cost
FROM orders o WHERE {_MINE} AND s.order_id = o.id AND s.step = :step AND s.state = 'calling' RETURNING s.calls
""")  # noqa: S608 - same
_MOST_ERROR = 300


@dataclass(frozen=True, slots=True)
class Result:
    """What a step brought. `cost_micro` in millionths of a US dollar."""

    source: str
    data: Mapping[str, object] = field(default_factory=dict)
    file_id: int | None = None
    sha256: str | None = None
    usage: Mapping[str, int] = field(default_factory=dict)
    cost_micro: int = 0


def find_done(order_id: int, step: Step) -> OrderStep | None:
    """The step where it is done."""
    row = find(order_id, step)
    return row if row is not None and row.state is StepState.DONE else None


def find(order_id: int, step: Step) -> OrderStep | None:
    """The step, however far it is."""
    query = select(OrderStep).where(OrderStep.order_id == order_id, OrderStep.step == step)
    return db.session.scalar(query.execution_options(populate_existing=True))


def list_all(order_id: int) -> list[OrderStep]:
    """What was done for an order so far, in the order in which it is done."""
    query = select(OrderStep).where(OrderStep.order_id == order_id)
    return sorted(db.session.scalars(query), key=lambda row: list(Step).index(row.step))


def begin(claimed: Claimed, step: Step, source: str) -> int:
    """A call is about to be made; commit before it is. Which call of this step it is. Raises LeaseLost."""
    values = _values(claimed, step) | {"source": source, "now": clock.now()}
    return _calls(_BEGIN, values)


def keep(claimed: Claimed, step: Step, result: Result) -> None:
    """It is done, with or without a call. Raises LeaseLost."""
    values = _values(claimed, step) | {
        "source": result.source,
        "result": jsonb.dump(dict(result.data)).decode(),
        "file_id": result.file_id,
        "sha256": result.sha256,
        "usage": jsonb.dump(dict(result.usage)).decode(),
        "cost": result.cost_micro,
        "now": clock.now(),
    }
    _calls(_KEEP, values)


def miss(
    claimed: Claimed, step: Step, error: str, usage: Mapping[str, int] | None = None, cost_micro: int = 0
) -> None:
    """The call failed, and what it cost all the same. Raises LeaseLost."""
    values = _values(claimed, step) | {
        "error": error[:_MOST_ERROR],
        "usage": jsonb.dump(dict(usage or {})).decode(),
        "cost": cost_micro,
    }
    _calls(_MISS, values)


def _values(claimed: Claimed, step: Step) -> dict[str, object]:
    return {"order_id": claimed.id, "lease": claimed.lease, "step": step.value}


def _calls(statement: object, values: dict[str, object]) -> int:
    calls = db.session.execute(statement, values).scalar()  # type: ignore[call-overload]
    if calls is None:
        raise LeaseLost
    return int(calls)
