"""All bots of the shards that this process holds: who is polled follows the database within a moment.

A bell names a bot that changed. Without bells a fingerprint of all bots that may be polled, one row every five
seconds, shows that something changed; it also notices when the time to try a failed bot again has come.
"""

import asyncio
import logging
import time
from functools import partial
from typing import Final

from app.core.async_bells import heard
from app.core.bells import Bell
from app.core.settings import Settings
from app.domain.bots import BotConfig, Mode
from app.services.directory import AsyncDirectory, DirectoryUnavailable
from bots.telegram.polling.poller import Poller, Tools

log = logging.getLogger(__name__)

_OURS: Final = """
FROM bot WHERE enabled AND removed_at IS NULL AND mode = 'polling' AND webhook_set_at IS NULL AND id %% %s = ANY(%s)
AND tenant_id NOT IN (SELECT t.id FROM tenant t WHERE t.suspended_at IS NOT NULL)"""
_DUE: Final = "(retry_at IS NULL OR retry_at <= clock_timestamp())"
FINGERPRINT: Final = f"""
SELECT count(*) FILTER (WHERE {_DUE}), sum(hashint8extended(id, version)) FILTER (WHERE {_DUE}),
       extract(epoch FROM min(retry_at) FILTER (WHERE NOT {_DUE}) - clock_timestamp())::float {_OURS}"""  # noqa: S608 - constants
LIST: Final = f"""
SELECT id, version, state <> 'running' OR failures > 0 OR error_code IS NOT NULL {_OURS}
AND {_DUE} AND (%s::bigint[] IS NULL OR id = ANY(%s))"""
LOOK_SECONDS: Final = 5.0
SOONEST: Final = 0.5


class Fleet:
    """Belongs to one event loop."""

    def __init__(self, settings: Settings, directory: AsyncDirectory, tools: Tools) -> None:
        self._settings = settings
        self._directory = directory
        self._tools = tools
        self.shards: frozenset[int] = frozenset()
        """What `keep` was last told."""
        self._pollers: dict[int, Poller] = {}
        self._fingerprint: object = None
        self.look_at = 0.0
        """When (monotonic) all bots are to be looked at again, bells or not."""
        self._named: set[int] = set()

    @property
    def running(self) -> int:
        """How many bots are polled."""
        return len(self._pollers)

    def keep(self, shards: frozenset[int]) -> None:
        """From now on these shards are ours: stops at once what is in no other; `look` starts what is new."""
        self.shards = shards
        self._fingerprint = None
        self.look_at = 0.0
        for bot_id in [bot_id for bot_id in self._pollers if not self._is_ours(bot_id)]:
            self._stop(bot_id)

    async def hear(self, wake: asyncio.Event) -> None:
        """Notes the bots that bells name, for ever, and sets `wake`."""
        async for ring in heard(self._settings.redis_url, Bell.BOTS):
            if ring is None:
                self.look_at = 0.0
            elif ring[1].isdigit() and self._is_ours(int(ring[1])):
                self._named.add(int(ring[1]))
            else:
                continue
            wake.set()

    async def look(self) -> None:
        """Makes what runs match the database: the bots that bells named, or all of them when it is time."""
        try:
            named, self._named = self._named, set()
            if time.monotonic() >= self.look_at:
                await self._match_all()
            elif named:
                await self._match(sorted(named))
                # The fingerprint speaks of another state now, and a bot that failed may be due again in a second.
                self._fingerprint = None
                self._look_in(1.0)
        except DirectoryUnavailable as error:
            self._fingerprint = None
            self._look_in(1.0)
            log.info("bots not looked up", extra={"reason": str(error)})

    def _look_in(self, seconds: float) -> None:
        at = time.monotonic() + seconds
        self.look_at = min(self.look_at, at) if self.look_at > time.monotonic() else at

    async def _match_all(self) -> None:
        shards = self.shards
        where = (self._settings.poll_shards, list(shards))
        *fingerprint, retry_in = (await self._directory.fetch(FINGERPRINT, where))[0] if shards else (0, None)
        if fingerprint != self._fingerprint:
            await self._match(None)
            self._fingerprint = fingerprint
        # Other shards in between ask for another look at once.
        same = shards == self.shards
        self._look_in(max(SOONEST, min(LOOK_SECONDS, retry_in or LOOK_SECONDS)) if same else 0.0)

    async def _match(self, only: list[int] | None) -> None:
        where = (self._settings.poll_shards, list(self.shards), only, only)
        rows = await self._directory.fetch(LIST, where) if self.shards else []
        wanted = {bot_id: (version, unwell) for bot_id, version, unwell in rows}
        for bot_id in list(self._pollers) if only is None else only:
            if bot_id not in wanted:
                self._stop(bot_id)
        running = {bot_id: poller.config.version for bot_id, poller in self._pollers.items()}
        changed = [bot_id for bot_id, (version, _) in wanted.items() if running.get(bot_id) != version]
        for bot_id, config in (await self._directory.load(changed)).items():
            if self._is_ours(bot_id) and config.enabled and config.mode is Mode.POLLING:
                self._start(config, unwell=wanted[bot_id][1])

    def _is_ours(self, bot_id: int) -> bool:
        return bot_id % self._settings.poll_shards in self.shards

    def _start(self, config: BotConfig, *, unwell: bool) -> None:
        poller = self._pollers.get(config.id)
        # One that rests after a failure starts anew: the boss did something about it.
        if poller is not None and poller.config.token == config.token and not poller.unwell:
            poller.config = config
            return
        self._stop(config.id)
        poller = self._pollers[config.id] = Poller(config, self._tools, unwell=unwell)
        poller.task.add_done_callback(partial(self._ended, config.id))

    def _stop(self, bot_id: int) -> None:
        poller = self._pollers.pop(bot_id, None)
        if poller is not None:
            poller.stop()

    def _ended(self, bot_id: int, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error(
                "polling of a bot broke down, it starts again", extra={"bot_id": bot_id}, exc_info=error
            )
            self._pollers.pop(bot_id, None)
            self._fingerprint = None
            self._look_in(1.0)
