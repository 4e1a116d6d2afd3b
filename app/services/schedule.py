"""Makes a doubled beat harmless: whoever inserts the row of a job's slot runs it. The rows also show a silent beat."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import text

from app.core.db import db

_CLAIM = text("""
INSERT INTO cron_run (job, slot) VALUES (:job, floor(extract(epoch FROM clock_timestamp()) / :every))
ON CONFLICT DO NOTHING RETURNING slot
""")

# The latest slot of each job, found at the end of the primary key however many rows there are.
_OVERDUE = text("""
SELECT job FROM unnest(CAST(:jobs AS text[]), CAST(:patience AS float8[])) AS asked (job, patience)
WHERE coalesce(
    (SELECT ran_at FROM cron_run WHERE cron_run.job = asked.job ORDER BY slot DESC LIMIT 1), '-infinity'
) < clock_timestamp() - make_interval(secs => patience)
""")
MISSED: Final = 3
SHORTEST_PATIENCE: Final = 10.0


def claim_slot(job: str, every: float) -> bool:
    """True once per `every` seconds and job, all processes together; PostgreSQL's clock decides."""
    return db.session.execute(_CLAIM, {"job": job, "every": every}).first() is not None


def overdue(every: Mapping[str, float]) -> list[str]:
    """The jobs that did not run for three of their intervals (in seconds), or never: no beat seems to live."""
    patience = [max(float(MISSED * seconds), SHORTEST_PATIENCE) for seconds in every.values()]
    return list(db.session.execute(_OVERDUE, {"jobs": list(every), "patience": patience}).scalars())
