"""Lotteries to be made again: by hand from a template, or by themselves every day or week."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.core.errors import AppError, NotFound
from app.core.i18n import N_
from app.domain import lottery_fields, lottery_spec
from app.domain.bots import BotState
from app.domain.draw import BeaconChain
from app.domain.lotteries import MAX_DAYS_OPEN, MAX_TEMPLATE_NAME, LotterySpec
from app.domain.lottery_fields import BadSpec
from app.domain.repeats import DAY_MINUTES, Repeat, Rhythm
from app.models import Lottery, LotteryTemplate, Tenant
from app.services import audit, bots
from app.services.lotteries import lookup, manage, posts, spec
from app.services.lotteries.errors import BotStopped, PostsRefused

BATCH = 100
MAX_MINUTES = MAX_DAYS_OPEN * DAY_MINUTES
_HOUR = timedelta(hours=1)


def get(template_id: int, *, lock: bool = False) -> LotteryTemplate:
    """Raises NotFound."""
    query = select(LotteryTemplate).where(LotteryTemplate.id == template_id)
    query = query.with_for_update().execution_options(populate_existing=True) if lock else query
    template = db.session.scalar(query)
    if template is None:
        raise NotFound
    return template


def list_templates(tenant_id: int) -> list[LotteryTemplate]:
    """By name."""
    query = select(LotteryTemplate).where(LotteryTemplate.tenant_id == tenant_id)
    return list(db.session.scalars(query.order_by(LotteryTemplate.name, LotteryTemplate.id)))


def create(
    tenant_id: int, bot_id: int, name: str, body: Mapping[str, object], duration_minutes: int
) -> LotteryTemplate:
    """A template; `body` is as `lottery.json` without moments. Raises BadSpec, BotGone, NotFound."""
    manage.check_bot(tenant_id, bot_id)
    template = LotteryTemplate(tenant_id=tenant_id, bot_id=bot_id, repeat=Repeat.NEVER)
    _write(template, name, body, duration_minutes)
    db.session.add(template)
    db.session.flush()
    _record(template, "lottery_template.created", {"body": template.body})
    return template


def save_lottery(lottery_id: int, name: str) -> LotteryTemplate:
    """Makes a template of a lottery. Raises BadSpec, BotGone, NotFound."""
    lottery = lookup.get(lottery_id)
    begun = lottery.opened_at or lottery.opens_at or lottery.created_at
    minutes = round((lottery.closes_at - begun) / timedelta(minutes=1))
    body = _body(spec.of(lottery, lookup.prizes(lottery.id)))
    return create(lottery.tenant_id, lottery.bot_id, name, body, min(max(1, minutes), MAX_MINUTES))


def change(
    template_id: int, name: str, body: Mapping[str, object], duration_minutes: int, bot_id: int | None = None
) -> LotteryTemplate:
    """Puts new values in the place of the old ones; what was paused by an error stays so. Raises BadSpec, NotFound."""
    template = get(template_id, lock=True)
    if bot_id is not None:
        manage.check_bot(template.tenant_id, bot_id)
        template.bot_id = bot_id
    _write(template, name, body, duration_minutes)
    _record(template, "lottery_template.changed", {"body": template.body, "minutes": duration_minutes})
    return template


def remove(template_id: int) -> None:
    """Forgets a template; the lotteries made from it stay. Raises NotFound."""
    template = get(template_id, lock=True)
    _record(template, "lottery_template.removed", {})
    db.session.delete(template)


def set_repeat(template_id: int, repeat: Repeat, at_minute: int = 0, weekday: int = 0) -> LotteryTemplate:
    """Has it made by itself from the next turn on; NEVER ends that. Raises BadSpec, NotFound."""
    given = {"at_minute": at_minute, "weekday": weekday}
    lottery_fields.number(given, "at_minute", 0, DAY_MINUTES - 1)
    lottery_fields.number(given, "weekday", 0, 6)
    template = get(template_id, lock=True)
    template.repeat, template.at_minute, template.weekday = repeat, at_minute, weekday
    _start(template)
    _record(template, "lottery_template.repeats", {"repeat": repeat.value, **given})
    return template


def pause(template_id: int) -> LotteryTemplate:
    """Has no more made until `resume`. Raises NotFound."""
    template = get(template_id, lock=True)
    template.paused_at, template.next_at = template.paused_at or clock.now(), None
    _record(template, "lottery_template.paused", {})
    return template


def resume(template_id: int) -> LotteryTemplate:
    """Goes on with the next turn; turns that were missed are not made up for. Raises NotFound."""
    template = get(template_id, lock=True)
    _start(template)
    _record(template, "lottery_template.resumed", {})
    return template


def create_from(template_id: int, lasts: timedelta | None = None, code: str | None = None) -> Lottery:
    """A draft that closes after `lasts`, else when the template's duration is over, counted from now.

    `code` as for `manage.create`. Raises BadSpec, NotFound.
    """
    template = get(template_id)
    closes_at = clock.now() + (lasts or _duration(template))
    found = spec.read(template.tenant_id, {**template.body, "closes_at": closes_at})
    return manage.create(template.tenant_id, template.bot_id, found, template_id=template.id, code=code)


def list_due() -> list[int]:
    """Templates whose turn has come, the oldest first; those of suspended tenants wait."""
    query = (
        select(LotteryTemplate.id)
        .join(Tenant, Tenant.id == LotteryTemplate.tenant_id)
        .where(LotteryTemplate.next_at <= clock.now(), Tenant.suspended_at.is_(None))
    )
    return list(db.session.scalars(query.order_by(LotteryTemplate.next_at).limit(BATCH)))


def run_turn(template_id: int, beacon: BeaconChain | None) -> Lottery | None:
    """Makes and publishes the lottery of the turn that has come; None when somebody else did, or when it is over.

    After a standstill only the latest turn is made. Raises AppError where it can't be: then `give_up`.
    """
    template = get(template_id, lock=True)
    first = template.next_at
    if first is None or first > clock.now():
        return None
    rhythm = _rhythm(template)
    turn = rhythm.latest(first, clock.now())
    template.next_at = rhythm.next(turn)
    closes_at = turn + _duration(template)
    if closes_at <= clock.now():
        return None
    check_bot(template)
    _check_posts(template)
    found = spec.read(template.tenant_id, {**template.body, "closes_at": closes_at})
    lottery = manage.create(template.tenant_id, template.bot_id, found, template.id, turn)
    return manage.publish(lottery.id, beacon)


def check_bot(template: LotteryTemplate) -> None:
    """Raises BotGone, BotStopped: nobody could join."""
    manage.check_bot(template.tenant_id, template.bot_id)
    bot = bots.get(template.bot_id)
    if not bot.enabled or bot.state is BotState.REVOKED:
        raise BotStopped(bot=bots.label(bot))


def give_up(template_id: int, error: AppError) -> None:
    """Pauses a repetition that can't go on, and says why in the tenant's language."""
    template = get(template_id, lock=True)
    template.paused_at, template.next_at = clock.now(), None
    template.error = error.text(spec.locale(template.tenant_id))
    _record(template, "lottery_template.stopped", {"error": template.error})


def _write(template: LotteryTemplate, name: str, body: Mapping[str, object], duration_minutes: int) -> None:
    fields = {"name": name, "duration_minutes": duration_minutes}
    lottery_fields.number(fields, "duration_minutes", 1, MAX_MINUTES)
    template.name = lottery_fields.required(lottery_fields.text(fields, "name", MAX_TEMPLATE_NAME), "name")
    for moment in lottery_spec.MOMENTS:
        if body.get(moment):
            raise BadSpec(moment, N_("A template has no moments of its own."))
    found = spec.read(template.tenant_id, {**body, "closes_at": clock.now() + _HOUR})
    template.body, template.duration_minutes = _body(found), duration_minutes


def _body(found: LotterySpec) -> dict[str, object]:
    whole = lottery_spec.dump(found)
    return {name: value for name, value in whole.items() if name not in lottery_spec.MOMENTS}


def _start(template: LotteryTemplate) -> None:
    template.paused_at = template.error = template.next_at = None
    if template.repeat != Repeat.NEVER:
        template.next_at = _rhythm(template).next(clock.now())


def _rhythm(template: LotteryTemplate) -> Rhythm:
    zone = spec.zone(template.tenant_id)
    return Rhythm(Repeat(template.repeat), template.at_minute, template.weekday, zone)


def _check_posts(template: LotteryTemplate) -> None:
    """Raises PostsRefused when no chat took the post of the turn before."""
    before = (
        select(Lottery.id)
        .where(Lottery.template_id == template.id, Lottery.run_at.is_not(None))
        .order_by(Lottery.run_at.desc())
        .limit(1)
    )
    lottery_id = db.session.scalar(before)
    found = posts.list_posts(lottery_id) if lottery_id is not None else []
    troubles = [(post.chat, trouble) for post in found if (trouble := posts.trouble(post))]
    if found and len(troubles) == len(found):
        chat, trouble = troubles[0]
        raise PostsRefused(chat, trouble.message, **trouble.params)


def _duration(template: LotteryTemplate) -> timedelta:
    return timedelta(minutes=template.duration_minutes)


def _record(template: LotteryTemplate, action: str, changes: dict[str, object]) -> None:
    audit.record(template.tenant_id, action, ("lottery_template", template.id, template.name), changes)
