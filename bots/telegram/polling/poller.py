"""One bot, polled: the loop that asks, stores and confirms."""

import asyncio
import random
from dataclasses import dataclass
from typing import Final, Protocol

from app.core.settings import Settings
from app.domain.bots import NETWORK, BotConfig, backoff
from app.services.inbox.writer import GroupWriter, InboxUnavailable
from bots.telegram.polling import updates
from bots.telegram.polling.connection import Address, Connection, Unreachable
from bots.telegram.polling.updates import Batch, Failed

GRACE: Final = 15.0
"""How much longer than the long poll an answer may take."""
FULL_SECONDS: Final = 2.0
AWAY_SECONDS: Final = 2.0
HASTY_SECONDS: Final = 1.0


class Reports(Protocol):
    """Where the loop says how its bot is; never waits."""

    def well(self, config: BotConfig) -> None:
        """Telegram answers."""

    def failed(self, config: BotConfig, failure: Failed) -> None:
        """It does not, or says no."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What the bots of one loop share."""

    settings: Settings
    address: Address
    writer: GroupWriter
    reports: Reports


class Poller:
    """The offset lives only here: after a restart Telegram repeats what was not confirmed, and the inbox drops it.

    It is sent only after the rows are committed, and forgotten as soon as an empty answer shows that Telegram has
    nothing older: ids may jump backwards after a quiet week.
    """

    __slots__ = ("_connection", "_failures", "_offset", "_tools", "config", "task", "unwell")

    def __init__(self, config: BotConfig, tools: Tools, *, unwell: bool) -> None:
        self.config = config
        self._tools = tools
        self.unwell = unwell
        """Whether it failed and was not well since; between two tries it rests."""
        self._offset = 0
        self._failures = 0
        self._connection: Connection | None = None
        self.task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        """Ends it at once; the answer under way is lost, and Telegram will repeat it."""
        self.task.cancel()
        if self._connection is not None:
            self._connection.close()

    async def _run(self) -> None:
        while True:
            pause = await self._once()
            if pause:
                await asyncio.sleep(pause)

    async def _once(self) -> float:
        """One poll; returns for how long to rest."""
        if self._tools.writer.is_full(self.config.id):
            return FULL_SECONDS
        clock = asyncio.get_running_loop().time
        started = clock()
        # A bot of which nothing good is known yet answers at once, so that its boss need not wait for a message.
        seconds = 0 if self.unwell else self._tools.settings.poll_timeout
        try:
            outcome = await self._ask(seconds)
        except (Unreachable, TimeoutError) as error:
            outcome = Failed(NETWORK, str(error) or "no answer in time")
        if isinstance(outcome, Failed):
            return self._rest(outcome)
        self._failures = 0
        if self.unwell:
            self.unwell = False
            self._tools.reports.well(self.config)
        if outcome.rows or outcome.junk:
            return await self._store(outcome)
        self._offset = 0
        return HASTY_SECONDS if seconds and clock() - started < HASTY_SECONDS else 0.0

    async def _ask(self, seconds: int) -> Batch | Failed:
        tools = self._tools
        if self._connection is None or self._connection.closed:
            self._connection = await tools.address.connect()
        request = updates.request(
            tools.address.netloc, tools.address.path, self.config.token, self._offset, seconds
        )
        async with asyncio.timeout(seconds + GRACE):
            answer = await self._connection.ask(request)
        return updates.read(answer, self.config, tools.settings.chat_shards)

    async def _store(self, batch: Batch) -> float:
        writer = self._tools.writer
        try:
            if batch.rows:
                if not writer.admit(self.config.id, len(batch.rows)):
                    return FULL_SECONDS
                await writer.write(*batch.rows)
            for raw in batch.junk:
                await writer.keep_junk(self.config, raw)
        except InboxUnavailable:
            return AWAY_SECONDS * (1 + random.random())  # noqa: S311 - spreads load
        self._offset = batch.offset
        # An answer without any id can't be confirmed and would come again at once.
        return 0.0 if batch.offset else AWAY_SECONDS

    def _rest(self, failure: Failed) -> float:
        self._failures += 1
        if failure.code == NETWORK and self._failures == 1:
            # One broken connection is everyday life: servers close idle ones, and networks change.
            return random.random()  # noqa: S311 - spreads load
        self.unwell = True
        self._tools.reports.failed(self.config, failure)
        first, longest = backoff(failure.code)
        wait = min(longest, first * 2.0 ** min(self._failures - 1, 12))
        return max(wait, failure.retry_after or 0.0) * (1 + random.random() / 5)  # noqa: S311 - spreads load
