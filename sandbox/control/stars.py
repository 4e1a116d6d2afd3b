"""Telegram Stars: who pays which invoice, and what moved."""

from dataclasses import asdict

from sandbox.actions import check_out
from sandbox.control.routes import Params, bot_of, person_of, route, whole
from sandbox.models import Bot
from sandbox.shapes import Json
from sandbox.stars import Offer
from sandbox.world import Refused, World


@route("POST", "stars/pay")
async def pay(world: World, params: Params) -> Json:
    """`user` pays an invoice: of `slug` (the link's last part), of `message_id` in his chat with `bot`, or the newest there.

    `ok` and `charge`, or `error`: what the bot said, or BOT_PRECHECKOUT_TIMEOUT when it said nothing.
    """
    person = person_of(world, params)
    if params.get("slug"):
        bot, offer = linked(world, params)
        return await check_out(world, bot, person, offer, once=False)
    bot = bot_of(world, params)
    mine = [key for key in world.stars.messages if key[:2] == (bot.id, person.id)]
    number = whole(params, "message_id") or max((key[2] for key in mine), default=0)
    found = world.stars.messages.get((bot.id, person.id, number))
    if found is None:
        raise Refused("no_such_invoice")
    return await check_out(world, bot, person, found, once=True)


@route("GET", "stars/invoice")
def invoice(world: World, params: Params) -> Json:
    """What the invoice of a link (`slug`) asks for."""
    bot, offer = linked(world, params)
    return {
        "title": offer.title,
        "description": offer.description,
        "total_amount": offer.amount,
        "bot": bot.username,
    }


@route("GET", "stars/transactions")
def transactions(world: World, params: Params) -> Json:
    """All movements of `bot`, the oldest first."""
    return {"transactions": [asdict(one) for one in world.stars.of_bot(bot_of(world, params).id)]}


def linked(world: World, params: Params) -> tuple[Bot, Offer]:
    """The bot and the invoice behind `slug`, which may be the whole link; raises Refused."""
    offer = world.stars.links.get(str(params.get("slug", "")).rpartition("$")[2])
    bot = world.bots.get(offer.bot_id) if offer is not None else None
    if offer is None or bot is None:
        raise Refused("no_such_invoice")
    return bot, offer
