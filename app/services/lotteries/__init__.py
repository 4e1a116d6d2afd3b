"""Lotteries, from the boss's wish to the last prize handed over."""

from app.services.lotteries.lookup import (
    MyEntry,
    Page,
    entry_count,
    find_by_code,
    get,
    get_by_code,
    latest_entries,
    list_open,
    prizes,
)
from app.services.lotteries.manage import (
    AddedByStaff,
    add_by_staff,
    back_to_draft,
    cancel,
    close,
    create,
    prepare_beacon,
    publish,
    update,
)

__all__ = [
    "AddedByStaff",
    "MyEntry",
    "Page",
    "add_by_staff",
    "back_to_draft",
    "cancel",
    "close",
    "create",
    "entry_count",
    "find_by_code",
    "get",
    "get_by_code",
    "latest_entries",
    "list_open",
    "prepare_beacon",
    "prizes",
    "publish",
    "update",
]
