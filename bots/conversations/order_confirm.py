"""The last step of the form: the buyer confirms the summary by choosing how to pay, and the order is made."""

import re
from dataclasses import replace
from typing import Final

from app.core.errors import AppError
from app.domain.money import Money
from app.domain.payments import Provider
from app.models import Order
from app.services.orders import create, forms, lookup
from app.services.orders.create import Wish
from app.services.orders.errors import NotForSale, PriceChanged, TooManyMade, TooManyOpen, WayGone
from app.services.orders.ways import Way
from app.services.payments.begin import begin as begin_payment
from app.services.payments.errors import ProviderMissing
from app.services.products import SoldOut
from bots import filling, order_card
from bots.conversations.lotteries import at_home
from bots.conversations.order_form import change_form, form_of, leave
from bots.filling import Gone
from bots.keyboards import Button, ButtonExpired, Keyboard, data
from bots.product_card import shop_button
from bots.router import Context, Router

router = Router()
_PRICE: Final = re.compile(r"([1-9][0-9]{0,11})-([A-Z]{3})", re.ASCII)


def chosen_way(ctx: Context) -> Way:
    """The way to pay and the price that stand on the pressed button, from its second argument on. Raises ButtonExpired."""
    price = _PRICE.fullmatch(ctx.press.word(2))
    if price is None or ctx.press.word(1) not in list(Provider):
        raise ButtonExpired
    return Way(Provider(ctx.press.word(1)), Money(int(price[1]), price[2]))


@router.button("fp")
def pay_button(ctx: Context) -> None:
    """Makes the order for the price that stands on the button; pressed again it shows the order that was made."""
    at_home(ctx)
    wish = _wish(ctx)
    try:
        with ctx.transaction():
            made = lookup.find_made_by(ctx.config.tenant_id, wish.made_by)
            order = made or _order(ctx, wish)
            card = order_card.made(ctx, order) if order else None
    except Gone:
        leave(ctx)
    except (PriceChanged, WayGone, ProviderMissing) as error:
        change_form(ctx, lambda _form, _filling: None, error.text(ctx.locale))
    except (NotForSale, SoldOut, TooManyMade, TooManyOpen) as error:
        _refuse(ctx, error)
    else:
        if card is None:
            change_form(ctx, lambda _form, _filling: None)
        else:
            ctx.forget()
            ctx.show(*card, html=True)


def _wish(ctx: Context) -> Wish:
    """What the button says; the answers are not read yet. Raises ButtonExpired."""
    me, bot_id, way = ctx.person.telegram_id, ctx.config.id, chosen_way(ctx)
    return Wish(
        bot_id=bot_id,
        telegram_id=me,
        locale=ctx.locale,
        provider=way.provider,
        price=way.price,
        answers={},
        made_by=forms.made_by(ctx.press.word(), bot_id, me),
    )


def _order(ctx: Context, wish: Wish) -> Order | None:
    """The order, its payment begun; None where a question is still open. Raises what `create` and `begin` raise."""
    now = filling.read(ctx, form_of(ctx))
    if not now.complete:
        return None
    order = create.create(now.product, replace(wish, answers=now.answers))
    begin_payment(order)
    forms.forget(ctx.config.id, ctx.person.telegram_id)
    return order


def _refuse(ctx: Context, error: AppError) -> None:
    """It can't be ordered now; the answers stay for when it can."""
    orders = Button(ctx.main_text("menu_orders"), data("orders"))
    ctx.show(error.text(ctx.locale), Keyboard([[shop_button(ctx), orders]]))
