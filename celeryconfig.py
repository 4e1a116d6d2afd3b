"""Celery: the broker, the five queues, which task goes where, and the schedule.

A task message is a doorbell: PostgreSQL holds the work, so nothing here needs results or delivery guarantees.
The schedule lives in memory on purpose. A schedule kept in Redis dies with a flush, one in a file with the disk; and
because every scheduled task first inserts its (job, slot) row, two beats only send messages that the second worker drops.
"""

from kombu import Queue

from app.core.settings import get_settings

_settings = get_settings()

broker_url = _settings.redis_url
broker_connection_retry_on_startup = True
broker_connection_max_retries = None
broker_transport_options = {
    "global_keyprefix": "laoban:",
    "visibility_timeout": 3600,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "queue_order_strategy": "priority",
    "priority_steps": list(range(10)),
    "socket_timeout": 10,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 25,
}
result_backend = None
task_ignore_result = True
task_serializer = "json"
accept_content = ["json"]
timezone = "UTC"
enable_utc = True

imports = (
    "tasks.bots",
    "tasks.broadcasts",
    "tasks.credits",
    "tasks.lotteries",
    "tasks.maintenance",
    "tasks.orders",
    "tasks.payments",
    "tasks.polling",
    "tasks.telegram",
)

task_queues = [Queue(name) for name in ("high", "default", "low", "batch", "polling")]
task_default_queue = "default"
task_create_missing_queues = False
task_routes = {
    "telegram.*": {"queue": "high"},
    "bots.*": {"queue": "default"},
    "lotteries.*": {"queue": "default"},
    "broadcasts.*": {"queue": "low"},
    "maintenance.*": {"queue": "low"},
    "orders.*": {"queue": "low"},
    "payments.*": {"queue": "high"},
    "payments.ask": {"queue": "default"},
    "payments.reconcile": {"queue": "batch"},
    "credits.*": {"queue": "batch"},
    "credits.expire_holds": {"queue": "default"},
    "polling.*": {"queue": "polling"},
}
task_acks_late = True
task_reject_on_worker_lost = True
task_time_limit = 900
task_soft_time_limit = 840
task_publish_retry = False
worker_prefetch_multiplier = 1
worker_hijack_root_logger = False
worker_cancel_long_running_tasks_on_connection_loss = False
worker_max_memory_per_child = 300_000

beat_scheduler = "celery.beat:Scheduler"
beat_max_loop_interval = 1


def _every(seconds: float, task: str) -> dict[str, object]:
    """An entry of the schedule whose messages die when the next one is due."""
    return {"task": task, "schedule": seconds, "options": {"expires": max(seconds, 5)}}


beat_schedule = {
    "polling.tick": _every(3, "polling.tick"),
    "telegram.tick": _every(3, "telegram.tick"),
    "telegram.sweep_outbox": _every(5, "telegram.sweep_outbox"),
    "bots.sweep": _every(5, "bots.sweep"),
    "bots.check_health": _every(60, "bots.check_health"),
    "bots.send_alerts": _every(15, "bots.send_alerts"),
    "lotteries.sweep": _every(2, "lotteries.sweep"),
    "lotteries.refresh_posts": _every(5, "lotteries.refresh_posts"),
    "lotteries.repeat": _every(20, "lotteries.repeat"),
    "broadcasts.sweep": _every(3, "broadcasts.sweep"),
    "orders.sweep": _every(2, "orders.sweep"),
    "payments.sweep": _every(3, "payments.sweep"),
    "payments.ask": _every(10, "payments.ask"),
    "payments.reconcile": _every(600, "payments.reconcile"),
    "payments.tell": _every(5, "payments.tell"),
    "credits.sync": _every(2, "credits.sync"),
    "credits.expire_holds": _every(5, "credits.expire_holds"),
    "maintenance.prune": _every(600, "maintenance.prune"),
    "maintenance.sweep_mail": _every(30, "maintenance.sweep_mail"),
    "maintenance.forget": _every(3600, "maintenance.forget"),
    "maintenance.check_ledger": _every(600, "maintenance.check_ledger"),
    "maintenance.check_commissions": _every(3600, "maintenance.check_commissions"),
}
