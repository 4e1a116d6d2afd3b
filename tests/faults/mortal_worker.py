"""The worker's program, impatient, and dying where DEATHS says: after a batch was sent and before its answer is kept."""

import os
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

from app.services import schedule
from app.services.credit_sync import claiming
from tasks import worker
from tasks.worker import celery_app
from tests.faults.deaths import arm

claiming.LEASE = timedelta(seconds=3)
claiming.ASKED = timedelta(seconds=3)
schedule.MISSED = 1
schedule.SHORTEST_PATIENCE = 2.0
worker.random = SimpleNamespace(uniform=lambda *_: 1.0)
arm(Path(os.environ["DEATHS"]), {"synced": "app.services.credit_sync.outcome.complete"})

__all__ = ["celery_app"]
