"""Lotteries, from the boss's wish to the last prize handed over. Modules import only those above them or beside them.

reading      lookup, standing (somebody and a lottery), spec (rows <-> LotterySpec), streaming (long lists), events (the public log)
changing     manage, moves (the one UPDATE of a state), door (fair waiting for the row), templates, bulk (CSV), sweep (what is due)
joining      conditions, invites, entries, tickets, blind_chats (channels that the bot can't see into)
drawing      results (takes the next step) -> sealing -> order -> checks; then settling, winners (claims, redraws)
showing      wording -> cards -> showing (from rows), posts (in channels), chats (may the bot post there?), figures (for pages)
proving      record (for machines), public (the page), receipts
leaving      exports, erasing
"""

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
