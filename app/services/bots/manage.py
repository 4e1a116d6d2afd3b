"""What a boss does with his bots: add, change the token, start, stop, switch, repair, remove.

The token is checked with Telegram before the transaction begins (`check_token`); inside it, UNIQUE decides who was first.
"""

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.core import crypto
from app.core.bells import Bell
from app.core.clock import now
from app.core.db import db
from app.core.errors import NotFound
from app.core.queue import TaskName, enqueue, ring
from app.core.settings import get_settings
from app.domain.bot_health import Repair
from app.domain.bots import BotState, Mode, find_token, telegram_id_of
from app.domain.plans import BOTS
from app.gateways import telegram
from app.models import Bot, Tenant
from app.services import audit
from app.services.bots import lookup
from app.services.bots.errors import (
    BadToken,
    BotTaken,
    NoPublicUrl,
    OwnBot,
    PlanLimit,
    TelegramAway,
    TokenRefused,
    WrongBot,
)
from app.services.bots.state import close_alerts


@dataclass(frozen=True)
class Checked:
    """A token and what Telegram says about it; `me` is None where nobody asked."""

    token: str = field(repr=False)
    telegram_id: int
    me: telegram.Me | None = None
    webhook: telegram.WebhookInfo | None = None


def read_token(pasted: str) -> Checked:
    """Finds the token in what somebody pasted, without asking Telegram. Raises BadToken."""
    token = find_token(pasted)
    telegram_id = telegram_id_of(token or "")
    if token is None or telegram_id is None:
        raise BadToken
    return Checked(token, telegram_id)


def check_token(pasted: str) -> Checked:
    """Asks Telegram, so call it outside of a transaction. Raises BadToken, TokenRefused, TelegramAway."""
    token = read_token(pasted).token
    try:
        me = telegram.get_me(token)
        return Checked(token, me.id, me, telegram.get_webhook_info(token))
    except telegram.TelegramRefused as error:
        raise (TokenRefused if error.code in {401, 404} else TelegramAway) from None
    except telegram.TelegramUnreachable:
        raise TelegramAway from None


def check_limit(tenant_id: int) -> None:
    """Raises PlanLimit when the tenant may not have one bot more. Locks the tenant, so that two can't slip through."""
    tenant = db.session.scalar(select(Tenant).where(Tenant.id == tenant_id).with_for_update(key_share=True))
    if tenant is None:
        raise NotFound
    limit, used = BOTS[tenant.plan], lookup.count(tenant_id)
    if limit is not None and used >= limit:
        raise PlanLimit(plan=tenant.plan.value, limit=limit, used=used)


def create(tenant_id: int, checked: Checked, *, mode: Mode = Mode.POLLING, locale: str | None = None) -> Bot:
    """Adds a bot, or brings a removed one of this tenant back with its texts. It answers within seconds.

    Raises PlanLimit, OwnBot, BotTaken, NoPublicUrl.
    """
    _refuse_without_address(mode)
    check_limit(tenant_id)
    bot = _former(tenant_id, checked.telegram_id)
    bot = bot or Bot(tenant_id=tenant_id, telegram_id=checked.telegram_id, apply_token=0, version=0)
    _claim_identity(bot, checked)
    bot.removed_at, bot.enabled, bot.mode, bot.locale = None, True, mode, locale or bot.locale
    _take_over(bot)
    _wish_changed(bot)
    _record(bot, "bot.created", {"token": crypto.mask(checked.token), "mode": mode.value})
    return bot


def update_token(bot_id: int, checked: Checked) -> Bot:
    """Puts a new token of the same bot in place and starts afresh. Raises WrongBot, BotTaken."""
    bot = _get(bot_id)
    if bot.telegram_id is not None and checked.telegram_id != bot.telegram_id:
        other = f"@{checked.me.username}" if checked.me else str(checked.telegram_id)
        raise WrongBot(other=other, this=lookup.label(bot))
    old = crypto.mask(bot.token)
    _claim_identity(bot, checked)
    # Telegram keeps a webhook with its token: the new one starts without ours.
    bot.webhook_generation = None
    _wish_changed(bot)
    _record(bot, "bot.token_replaced", {"token": [old, crypto.mask(checked.token)]})
    return bot


def set_enabled(bot_id: int, enabled: bool) -> Bot:  # noqa: FBT001 - the name says it
    """Starts or stops. Starting one that runs makes it try again at once."""
    bot = _get(bot_id)
    changes: dict[str, object] = {"enabled": [bot.enabled, enabled]}
    bot.enabled = enabled
    _wish_changed(bot)
    _record(bot, "bot.started" if enabled else "bot.stopped", changes)
    return bot


def set_mode(bot_id: int, mode: Mode) -> Bot:
    """Switches between polling and webhook, also away from somebody else's webhook. Raises NoPublicUrl."""
    _refuse_without_address(mode)
    bot = _get(bot_id)
    changes: dict[str, object] = {"mode": [bot.mode.value, mode.value]}
    bot.mode = mode
    _take_over(bot)
    _wish_changed(bot)
    _record(bot, "bot.mode_changed", changes)
    return bot


def set_locale(bot_id: int, locale: str | None) -> Bot:
    """The language of the bot's texts where a user's own is unknown; None = the tenant's."""
    bot = _get(bot_id)
    changes: dict[str, object] = {"locale": [bot.locale, locale]}
    bot.locale = locale
    bot.version = bot.version + 1
    ring(Bell.BOTS, bot.id)
    _record(bot, "bot.language_changed", changes)
    return bot


def rotate_secret(bot_id: int) -> Bot:
    """A new webhook secret; the one before is accepted for ten minutes more."""
    bot = _get(bot_id)
    bot.secret_generation += 1
    bot.secret_rotated_at = now()
    _wish_changed(bot)
    _record(bot, "bot.secret_renewed", {})
    return bot


def repair(bot_id: int, action: Repair) -> Bot:
    """Does what the health card proposes; NEW_TOKEN needs the boss's hands and only tries again. Raises NoPublicUrl."""
    bot = _get(bot_id)
    if action is Repair.REGISTER_WEBHOOK:
        _refuse_without_address(Mode.WEBHOOK)
        bot.mode = Mode.WEBHOOK
    if action is Repair.USE_POLLING:
        bot.mode = Mode.POLLING
    if action in {Repair.TAKE_OVER, Repair.REGISTER_WEBHOOK, Repair.USE_POLLING}:
        bot.webhook_generation = None
        _take_over(bot)
    if action is Repair.START:
        bot.enabled = True
    _wish_changed(bot)
    _record(bot, "bot.repaired", {"action": action.value, "mode": bot.mode.value})
    return bot


def remove(bot_id: int) -> None:
    """Ends the bot here and frees its token; its members, orders and texts stay."""
    bot = _get(bot_id)
    bot.enabled = False
    bot.removed_at = now()
    bot.take_over = False
    _wish_changed(bot)
    _record(bot, "bot.removed", {})


def _get(bot_id: int) -> Bot:
    bot = lookup.get(bot_id, lock=True)
    if bot.removed_at is not None:
        raise NotFound
    return bot


def _former(tenant_id: int, telegram_id: int) -> Bot | None:
    """The tenant's own row of this Telegram bot: raises OwnBot when it is in use, else the last removed one."""
    query = select(Bot).where(Bot.tenant_id == tenant_id, Bot.telegram_id == telegram_id).with_for_update()
    rows = list(db.session.scalars(query.order_by(Bot.id)))
    for bot in rows:
        if bot.removed_at is None:
            raise OwnBot(username=bot.username or bot.telegram_id)
    return rows[-1] if rows else None


def _claim_identity(bot: Bot, checked: Checked) -> None:
    """Writes token and names; the UNIQUE indexes decide a race between tenants. Raises BotTaken."""
    bot.token = checked.token
    bot.token_fingerprint = lookup.token_fingerprint(checked.token)
    bot.telegram_id = checked.telegram_id
    bot.removed_at = None
    bot.commands_set_at = None
    if checked.me:
        bot.username, bot.name = checked.me.username, checked.me.name
    if checked.webhook:
        bot.webhook_url, bot.pending_updates, bot.health_at = (
            checked.webhook.url,
            checked.webhook.pending,
            now(),
        )
    try:
        with db.session.begin_nested():
            db.session.add(bot)
            db.session.flush()
    except IntegrityError as error:
        if "uq_bot_t" in str(error.orig):
            raise BotTaken from None
        raise


def _take_over(bot: Bot) -> None:
    """Lets the next `apply` remove somebody else's webhook; until it did, the bot is not polled."""
    bot.take_over = True
    if bot.webhook_url:
        bot.webhook_set_at = bot.webhook_set_at or now()


def _wish_changed(bot: Bot) -> None:
    """Tells everybody: running processes drop what they knew, and Telegram is asked again at once."""
    bot.version, bot.wished_at = bot.version + 1, now()
    bot.state = BotState.STARTING if bot.enabled else BotState.STOPPED
    bot.running_since = None
    bot.error_code, bot.error_text, bot.failures, bot.retry_at = None, None, 0, None
    db.session.flush()
    if not bot.enabled:
        close_alerts(bot.id, silent=True)
    ring(Bell.BOTS, bot.id)
    enqueue(TaskName.BOTS_APPLY, bot.id)


def _refuse_without_address(mode: Mode) -> None:
    if mode is Mode.WEBHOOK and not get_settings().public_url:
        raise NoPublicUrl


def _record(bot: Bot, action: str, changes: dict[str, object]) -> None:
    audit.record(bot.tenant_id, action, ("bot", bot.id, lookup.label(bot)), changes)
