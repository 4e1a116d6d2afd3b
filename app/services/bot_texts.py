"""The texts and menu buttons that a boss gave his bot."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.core.bells import Bell
from app.core.db import db
from app.core.errors import BadInput, LimitReached, NotFound
from app.core.i18n import LOCALES, N_, translate
from app.core.queue import ring
from app.domain.bot_texts import MAIN_TEXTS, MAX_ITEMS, check_item, check_text
from app.models import Bot, BotMenuItem, BotText
from app.services import audit, bots


class TooManyButtons(LimitReached):
    code = "too_many_buttons"
    message = N_("A menu holds at most %(limit)s buttons of your own.")


@dataclass(frozen=True, slots=True)
class Item:
    """A button of the boss's own: it shows `reply` or opens `url`."""

    id: int
    label: str
    reply: str | None
    url: str | None


@dataclass(frozen=True, slots=True)
class BotTexts:
    """What the boss wrote: bodies by (key, locale), and his buttons in order."""

    bodies: Mapping[tuple[str, str], str] = field(default_factory=dict)
    items: tuple[Item, ...] = ()


def load(bot_id: int) -> BotTexts:
    """Everything that the boss wrote for one bot."""
    texts = db.session.execute(
        select(BotText.key, BotText.locale, BotText.body).where(BotText.bot_id == bot_id)
    )
    items = db.session.execute(
        select(BotMenuItem.id, BotMenuItem.label, BotMenuItem.reply, BotMenuItem.url)
        .where(BotMenuItem.bot_id == bot_id)
        .order_by(BotMenuItem.position, BotMenuItem.id)
        .limit(MAX_ITEMS)
    )
    return BotTexts({(key, locale): body for key, locale, body in texts}, tuple(Item(*row) for row in items))


def save_texts(bot: Bot, locale: str, bodies: Mapping[str, str]) -> None:
    """Keeps those texts that differ from what is kept; what equals the default is not kept. Raises BadInput."""
    kept = load(bot.id).bodies
    for key, body in bodies.items():
        main = MAIN_TEXTS.get(key)
        if main is None:
            raise BadInput
        checked = check_text(main, body)
        wanted = "" if checked == translate(locale, main.default) else checked
        if wanted != kept.get((key, locale), ""):
            save_text(bot, key, locale, wanted)


def save_text(bot: Bot, key: str, locale: str, body: str) -> None:
    """Keeps the boss's version of a text; an empty one brings the default back. Raises BadInput."""
    main = MAIN_TEXTS.get(key)
    if main is None or locale not in LOCALES:
        raise BadInput
    body = check_text(main, body)
    if not body:
        reset_text(bot, key, locale)
        return
    db.session.execute(
        insert(BotText)
        .values(tenant_id=bot.tenant_id, bot_id=bot.id, key=key, locale=locale, body=body)
        .on_conflict_do_update(index_elements=["bot_id", "key", "locale"], set_={"body": body})
    )
    _changed(bot, "bot.text_changed", {"text": key, "locale": locale, "body": body})


def reset_text(bot: Bot, key: str, locale: str) -> None:
    """Brings the default text back."""
    gone = db.session.execute(
        delete(BotText)
        .where(BotText.bot_id == bot.id, BotText.key == key, BotText.locale == locale)
        .returning(BotText.id)
    ).first()
    if gone is not None:
        _changed(bot, "bot.text_reset", {"text": key, "locale": locale})


def add_item(bot: Bot, label: str, reply: str | None, url: str | None) -> None:
    """Adds a button below the others. Raises BadInput and LimitReached."""
    label, reply, url = check_item(label, reply, url)
    # The row lock makes two savers count one after the other.
    db.session.execute(select(Bot.id).where(Bot.id == bot.id).with_for_update())
    count, last = db.session.execute(
        select(func.count(), func.coalesce(func.max(BotMenuItem.position), 0)).where(
            BotMenuItem.bot_id == bot.id
        )
    ).one()
    if count >= MAX_ITEMS:
        raise TooManyButtons(limit=MAX_ITEMS)
    db.session.add(
        BotMenuItem(
            tenant_id=bot.tenant_id, bot_id=bot.id, position=last + 1, label=label, reply=reply, url=url
        )
    )
    _changed(bot, "bot.button_added", {"label": label})


def change_item(bot: Bot, item_id: int, label: str, reply: str | None, url: str | None) -> None:
    """Rewrites a button. Raises BadInput and NotFound."""
    label, reply, url = check_item(label, reply, url)
    item = _item(bot, item_id)
    item.label, item.reply, item.url = label, reply, url
    _changed(bot, "bot.button_changed", {"label": label})


def remove_item(bot: Bot, item_id: int) -> None:
    """Takes a button out of the menu. Raises NotFound."""
    item = _item(bot, item_id)
    db.session.delete(item)
    _changed(bot, "bot.button_removed", {"label": item.label})


def raise_item(bot: Bot, item_id: int) -> None:
    """Moves a button one place up. Raises NotFound."""
    items = list(
        db.session.scalars(
            select(BotMenuItem)
            .where(BotMenuItem.bot_id == bot.id)
            .order_by(BotMenuItem.position, BotMenuItem.id)
            .with_for_update()
        )
    )
    index = next((place for place, item in enumerate(items) if item.id == item_id), None)
    if index is None:
        raise NotFound
    if index > 0:
        items.insert(index - 1, items.pop(index))
    for position, item in enumerate(items):
        item.position = position
    _changed(bot, "bot.button_moved", {"label": items[max(0, index - 1)].label})


def _item(bot: Bot, item_id: int) -> BotMenuItem:
    item = db.session.scalar(
        select(BotMenuItem).where(BotMenuItem.id == item_id, BotMenuItem.bot_id == bot.id)
    )
    if item is None:
        raise NotFound
    return item


def _changed(bot: Bot, action: str, changes: dict[str, object]) -> None:
    """Another version of the bot makes every process read its texts anew."""
    db.session.execute(update(Bot).where(Bot.id == bot.id).values(version=Bot.version + 1))
    audit.record(bot.tenant_id, action, ("bot", bot.id, bots.label(bot)), changes)
    ring(Bell.BOTS, bot.id)
