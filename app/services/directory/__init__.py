"""What this process knows of bots: snapshots at most ten seconds old, dropped at once when the bell of bots rings.

`find` and `find_by_public_id` are for threads; programs in an asyncio loop have an `AsyncDirectory` of their own.
"""

from app.services.directory.loops import AsyncDirectory, DirectoryUnavailable
from app.services.directory.snapshots import UNKNOWN, Snapshots, Unknown
from app.services.directory.threads import find, find_by_public_id

__all__ = [
    "UNKNOWN",
    "AsyncDirectory",
    "DirectoryUnavailable",
    "Snapshots",
    "Unknown",
    "find",
    "find_by_public_id",
]
