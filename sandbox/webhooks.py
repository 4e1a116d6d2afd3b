"""Delivery of updates to webhooks, with the order, patience and stubbornness of the real server.

The reply to a delivery is read for its status only: a method in the reply's body is not executed.
"""

import asyncio
import random
from collections import deque
from dataclasses import dataclass

from sandbox.models import Bot, Clock, Update, Webhook
from sandbox.outbound import Answer, Client, NoAnswer

MAX_RETRY_AFTER = 3600
# From here on the real server waits a random time between this and twice this.
LONGEST_STEP = 60.0
GONE = 410
GONE_LIMIT = 23 * 3600.0


@dataclass(slots=True, frozen=True)
class Patience:
    """`scale` multiplies all waits between attempts; `timeout` is for one attempt, in seconds."""

    scale: float
    timeout: float


class Delivery:
    """Everything on its way to the webhook of one bot.

    Updates of one queue go one after the other, a failing one holds up its queue. At most `max_connections`
    requests run at once, and at most twice as many queues are looked at, so many failing chats stall the bot.
    """

    def __init__(self, bot: Bot, webhook: Webhook, client: Client, clock: Clock, patience: Patience) -> None:
        self._bot = bot
        self._webhook = webhook
        self._client = client
        self._clock = clock
        self._patience = patience
        self._slots = asyncio.Semaphore(webhook.max_connections)
        self._backlog: deque[Update] = deque(bot.updates.values())
        self._queues: dict[str, deque[Update]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._gone_since = 0.0
        self._load()

    def offer(self, update: Update) -> None:
        """Deliver one more."""
        self._backlog.append(update)
        self._load()

    def stop(self) -> None:
        """Deliver nothing any more."""
        self._backlog.clear()
        for task in self._tasks:
            task.cancel()

    def _load(self) -> None:
        while self._backlog:
            key = self._backlog[0].queue
            if key in self._queues:
                self._queues[key].append(self._backlog.popleft())
                continue
            if len(self._queues) >= 2 * self._webhook.max_connections:
                return
            self._queues[key] = deque([self._backlog.popleft()])
            task = asyncio.get_running_loop().create_task(self._run(key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, key: str) -> None:
        queue = self._queues[key]
        while queue:
            await self._deliver(queue[0])
            queue.popleft()
        del self._queues[key]
        self._load()

    async def _deliver(self, update: Update) -> None:
        """Try until it is taken or too old."""
        step, failures = 1.0, 0
        while update.id in self._bot.updates:
            async with self._slots:
                wait = await self._attempt(update)
            if wait is None:
                break
            if wait == 0 and failures:
                step = min(step * 2, random.uniform(LONGEST_STEP, 2 * LONGEST_STEP))
                wait = step
            failures += 1
            wait *= self._patience.scale
            if self._clock.now() + wait > update.expires_at:
                break
            await asyncio.sleep(wait)
        self._bot.updates.pop(update.id, None)

    async def _attempt(self, update: Update) -> float | None:
        """None when it was taken, else the seconds that the webhook asked for (0 when it asked for none)."""
        secret = self._webhook.secret
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret} if secret else {}
        try:
            answer = await self._client.post(self._webhook.url, headers, update.body, self._patience.timeout)
        except NoAnswer as error:
            self._note_error(str(error))
            return 0.0
        if 200 <= answer.status <= 299:
            self._gone_since = 0.0
            return None
        self._note_error(f"Wrong response from the webhook: {answer.status} {answer.reason}")
        self._note_gone(answer.status)
        return retry_after(answer)

    def _note_error(self, text: str) -> None:
        self._webhook.last_error_date = int(self._clock.now())
        self._webhook.last_error_message = text

    def _note_gone(self, status: int) -> None:
        """After 23 hours of nothing but 410 the webhook is closed."""
        now = self._clock.now()
        if status != GONE:
            self._gone_since = 0.0
        elif not self._gone_since:
            self._gone_since = now
        elif now > self._gone_since + GONE_LIMIT:
            self._bot.webhook = None
            self.stop()


def retry_after(answer: Answer) -> float:
    """Seconds of a Retry-After header, within bounds."""
    value = answer.headers.get("retry-after", "")
    return float(min(MAX_RETRY_AFTER, int(value))) if value.isdigit() else 0.0


class Deliveries:
    """The running deliveries by bot."""

    def __init__(self, client: Client, clock: Clock, patience: Patience) -> None:
        self._client = client
        self._clock = clock
        self.patience = patience
        self._running: dict[int, Delivery] = {}

    def start(self, bot: Bot) -> None:
        """Deliver to the webhook that the bot has now, if any, and to no other."""
        self.stop(bot)
        if bot.webhook is not None:
            self._running[bot.id] = Delivery(bot, bot.webhook, self._client, self._clock, self.patience)

    def stop(self, bot: Bot) -> None:
        """Stop the bot's deliveries."""
        running = self._running.pop(bot.id, None)
        if running is not None:
            running.stop()

    def offer(self, bot: Bot, update: Update) -> None:
        """Deliver one update when the bot has a webhook."""
        running = self._running.get(bot.id)
        if running is not None:
            running.offer(update)

    def close(self) -> None:
        """Stop everything."""
        for running in self._running.values():
            running.stop()
        self._running.clear()
        self._client.close()
