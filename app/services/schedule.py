"""Makes a doubled beat harmless: whoever inserts the row of a job's slot runs it."""

from sqlalchemy import text

from app.core.db import db

_CLAIM = text("""
INSERT INTO cron_run (job, slot) VALUES (:job, floor(extract(epoch FROM clock_timestamp()) / :every))
ON CONFLICT DO NOTHING RETURNING slot
""")


def claim_slot(job: str, every: float) -> bool:
    """True once per `every` seconds and job, all processes together; PostgreSQL's clock decides."""
    return db.session.execute(_CLAIM, {"job": job, "every": every}).first() is not None
