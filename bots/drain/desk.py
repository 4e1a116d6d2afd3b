"""A reader's leases, over a connection of its own: its threads may use up those of the process, it must still renew."""

from collections.abc import Collection

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from app.core.db import engine_options
from app.core.settings import Settings
from app.services import leases
from app.services.leases import CHAT


class Desk:
    """Takes, renews and releases chat-shards for one owner. Raises SQLAlchemy's OperationalError when it is away."""

    def __init__(self, settings: Settings, owner: str) -> None:
        self._owner = owner
        self._shards = settings.chat_shards
        self._seconds = settings.lease_seconds
        options = engine_options(settings) | {"pool_size": 1, "max_overflow": 0}
        self._engine = create_engine(settings.database_url, **options)

    def take(self, most: int) -> set[int]:
        """Leases up to `most` shards that nobody holds."""
        with Session(self._engine) as session, session.begin():
            leases.create_shards(CHAT, self._shards, session=session)
            taken = leases.take(
                CHAT, self._owner, shards=self._shards, most=most, seconds=self._seconds, session=session
            )
        return {lease.shard for lease in taken}

    def renew(self) -> tuple[set[int], int]:
        """(what is still ours, how many shards nobody holds)."""
        with Session(self._engine) as session, session.begin():
            kept = leases.renew(CHAT, self._owner, self._seconds, session=session)
            held, _ = leases.held(CHAT, self._shards, session=session)
        return kept, self._shards - held

    def release(self, shards: Collection[int]) -> None:
        """Lets go of these."""
        with Session(self._engine) as session, session.begin():
            leases.release(CHAT, self._owner, set(shards), session=session)

    def close(self) -> None:
        """Lets go of the connection."""
        self._engine.dispose()
