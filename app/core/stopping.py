"""When this process is asked to end, resident tasks hand over instead of staying for their slice."""

import threading
from typing import Any, Final

from celery.signals import worker_shutting_down

stopping: Final = threading.Event()


def _stop(**_: Any) -> None:
    stopping.set()


worker_shutting_down.connect(_stop)
