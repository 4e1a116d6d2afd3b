"""Long polling of all bots: `run` is one slice of it, the body of a Celery task; `stopping` ends slices early."""

from bots.telegram.polling.slices import close, run, stopping

__all__ = ["close", "run", "stopping"]
