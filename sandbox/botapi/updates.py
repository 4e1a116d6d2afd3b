"""getUpdates and the webhook methods."""

import asyncio
import re
import socket
from collections.abc import Awaitable
from itertools import islice

import orjson

from sandbox import queues
from sandbox.botapi.calls import Call, Told, method
from sandbox.botapi.checks import EXTRACT
from sandbox.botapi.errors import ApiError, bad_request, conflict, too_many
from sandbox.models import Bot, Update, Webhook
from sandbox.outbound import is_loopback, place_of
from sandbox.shapes import Json

LONGEST_POLL = 50
UPDATE_KINDS = frozenset(EXTRACT["types"]["Update"]["fields"]) - {"update_id"}
SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
PORTS = frozenset({80, 88, 443, 8443})
WEBHOOK_ACTIVE = (
    "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)
OTHER_POLL = "terminated by other getUpdates request; make sure that only one bot instance is running"
# Repeated conflicts are answered slowly, so that two pollers do not race each other.
CONFLICT_PAUSE = 3.0

Fragments = list[orjson.Fragment]


@method("getUpdates")
def get_updates(call: Call) -> Fragments | Awaitable[Fragments]:
    """What is in the queue, or what comes within `timeout` seconds."""
    bot, args, clock = call.bot, call.args, call.world.clock
    if bot.webhook is not None:
        return slow_conflict(call, WEBHOOK_ACTIVE)
    offset = args.get("offset", 0)
    limit = max(1, min(100, args.get("limit", 100)))
    seconds = max(0, min(LONGEST_POLL, args.get("timeout", 0)))
    subscribe(bot, args.get("allowed_updates"))
    previous, bot.last_poll_at = bot.last_poll_at, asyncio.get_running_loop().time()
    if call.world.settings.strict and bot.last_offset == offset:
        limit, seconds = slow_down(bot.last_poll_at - previous, limit, seconds)
    bot.last_offset = offset
    if offset:
        queues.confirm(bot, offset)
        call.world.dirty = True
    queues.expire(bot, clock)
    updates = list(islice(bot.updates.values(), limit))
    if updates or not seconds:
        return fragments(updates)
    if bot.poll is not None:
        queues.interrupt(bot, conflict(OTHER_POLL))
    return long_poll(bot, limit, seconds)


async def long_poll(bot: Bot, limit: int, seconds: float) -> Fragments:
    """Wait for news; when the client leaves, nobody waits any more."""
    answer = queues.wait(bot, limit, seconds)
    try:
        return fragments(await answer)
    except asyncio.CancelledError:
        if bot.poll is not None and bot.poll.answer is answer:
            queues.interrupt(bot, None)
        raise


async def slow_conflict(call: Call, text: str) -> Fragments:
    """409, the second one within three seconds held back."""
    bot, now = call.bot, asyncio.get_running_loop().time()
    if call.world.settings.strict and bot.last_conflict_at and now < bot.last_conflict_at + CONFLICT_PAUSE:
        await asyncio.sleep(CONFLICT_PAUSE)
    else:
        bot.last_conflict_at = now
    raise conflict(text)


def slow_down(passed: float, limit: int, seconds: int) -> tuple[int, int]:
    """The real server's brake for the same offset again after `passed` seconds: it waits longer and gets less."""
    if passed < 3 and seconds < 3:
        seconds = 3
    return (1 if passed < 0.5 else limit), seconds


def subscribe(bot: Bot, kinds: list[str] | None) -> None:
    """Remember the wanted kinds of update; None keeps what was wanted before."""
    if kinds is not None:
        bot.allowed_updates = [kind for kind in kinds if kind in UPDATE_KINDS]


def fragments(updates: list[Update]) -> Fragments:
    """Updates as they are stored, without another pass through JSON."""
    return [orjson.Fragment(update.body) for update in updates]


@method("setWebhook")
async def set_webhook(call: Call) -> Told:
    """Set, change or (with an empty URL) remove the webhook."""
    url = call.args.get("url", "")
    if not url:
        return remove_webhook(call)
    webhook = await new_webhook(call, url)
    bot, now = call.bot, call.world.clock.now()
    wanted = call.args.get("allowed_updates")
    same = (
        bot.webhook is not None
        and settings_of(bot.webhook) == settings_of(webhook)
        and (wanted is None or wanted == bot.allowed_updates)
    )
    if same and not call.args.get("drop_pending_updates"):
        return Told("Webhook is already set")
    brake(call, now)
    if bot.poll is not None:
        queues.interrupt(bot, conflict("terminated by setWebhook request"))
    subscribe(bot, wanted)
    if call.args.get("drop_pending_updates"):
        bot.updates.clear()
    bot.webhook = webhook
    call.world.deliveries.start(bot)
    call.world.dirty = True
    return Told("Webhook was set")


@method("deleteWebhook")
def delete_webhook(call: Call) -> Told:
    """Remove the webhook; updates wait for getUpdates from now on."""
    return remove_webhook(call)


def remove_webhook(call: Call) -> Told:
    """Both ways to remove a webhook."""
    bot = call.bot
    if call.args.get("drop_pending_updates"):
        bot.updates.clear()
    call.world.dirty = True
    if bot.webhook is None:
        return Told("Webhook is already deleted")
    brake(call, call.world.clock.now())
    bot.webhook = None
    call.world.deliveries.start(bot)
    return Told("Webhook was deleted")


def brake(call: Call, now: float) -> None:
    """Changing the webhook works once a second."""
    if call.world.settings.strict and now < call.bot.last_set_webhook_at + 1.0:
        raise too_many(1)
    call.bot.last_set_webhook_at = now


def settings_of(webhook: Webhook) -> tuple[str, str, int, bool]:
    """What makes two webhooks the same."""
    return webhook.url, webhook.secret, webhook.max_connections, webhook.has_certificate


async def new_webhook(call: Call, url: str) -> Webhook:
    """The webhook that the parameters ask for; raises ApiError."""
    secret = call.args.get("secret_token", "")
    if secret and not SECRET.fullmatch(secret):
        raise bad_request(
            "secret token contains unallowed characters" if len(secret) <= 256 else "secret token is too long"
        )
    address = call.args.get("ip_address", "") or await address_of(url)
    connections = max(1, min(100, call.args.get("max_connections", 40)))
    return Webhook(url, secret, connections, address, "certificate" in call.args)


async def address_of(url: str) -> str:
    """The IP address behind a webhook URL, checked as the real server would; raises ApiError.

    HTTP and any port are allowed on this machine itself, as with a self-hosted server in local mode.
    """
    try:
        (scheme, host, port), _ = place_of(url)
    except ValueError:
        raise bad_request("invalid webhook URL specified") from None
    if not is_loopback(host):
        if scheme != "https":
            raise bad_webhook("An HTTPS URL must be provided for webhook")
        if port not in PORTS:
            raise bad_webhook("Webhook can be set up only on ports 80, 88, 443 or 8443")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, family=socket.AF_INET)
    except OSError:
        raise bad_webhook("Failed to resolve host: Name or service not known") from None
    return str(found[0][4][0])


def bad_webhook(text: str) -> ApiError:
    """400 for a webhook URL."""
    return bad_request(f"bad webhook: {text}")


@method("getWebhookInfo")
def get_webhook_info(call: Call) -> Json:
    """How deliveries go."""
    bot, webhook = call.bot, call.bot.webhook
    queues.expire(bot, call.world.clock)
    info: Json = {
        "url": webhook.url if webhook else "",
        "has_custom_certificate": bool(webhook and webhook.has_certificate),
        "pending_update_count": len(bot.updates),
    }
    if webhook is not None:
        info["max_connections"] = webhook.max_connections
        if webhook.ip_address:
            info["ip_address"] = webhook.ip_address
        if webhook.last_error_date:
            info["last_error_date"] = webhook.last_error_date
            info["last_error_message"] = webhook.last_error_message
    if bot.allowed_updates:
        info["allowed_updates"] = bot.allowed_updates
    return info
