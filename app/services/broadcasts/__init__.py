"""Broadcasts: one message to many members of a bot."""

from app.services.broadcasts.audience import size
from app.services.broadcasts.errors import BotSilent, IllegalMove, NobodyLinked, NobodyToSendTo, TooEarly
from app.services.broadcasts.lookup import (
    Recipient,
    all_recipients,
    audience_of,
    content_of,
    get,
    list_broadcasts,
    list_recipients,
    progress_of,
)
from app.services.broadcasts.manage import (
    Draft,
    back_to_draft,
    cancel,
    change,
    create,
    pause,
    resume,
    schedule,
    send_again,
    send_test,
    start,
)
from app.services.broadcasts.sweep import forget, halt_refused, halt_silent, sweep

__all__ = [
    "BotSilent",
    "Draft",
    "IllegalMove",
    "NobodyLinked",
    "NobodyToSendTo",
    "Recipient",
    "TooEarly",
    "all_recipients",
    "audience_of",
    "back_to_draft",
    "cancel",
    "change",
    "content_of",
    "create",
    "forget",
    "get",
    "halt_refused",
    "halt_silent",
    "list_broadcasts",
    "list_recipients",
    "pause",
    "progress_of",
    "resume",
    "schedule",
    "send_again",
    "send_test",
    "size",
    "start",
    "sweep",
]
