"""Long polling of all bots: `run` is one slice of it, the body of a Celery task."""

from bots.telegram.polling.slices import close, run

__all__ = ["close", "run"]
