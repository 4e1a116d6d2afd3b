"""A product's card on a page as the bot shows it, also of one that is only being typed, and what promoters get."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext
from markupsafe import Markup, escape

from admin.amounts import money as shown
from app.core.i18n import N_, translate
from app.domain.affiliates import Commission, CommissionKind
from app.domain.lottery_fields import BadSpec
from app.domain.money import EXPONENTS, STARS, AmountNotValid, Money, read_money, shown_money
from app.domain.payments import Provider
from app.domain.product_spec import read_commission


def typed_card(body: Mapping[str, Any], locale: str) -> dict[str, Any]:
    """Text and buttons of the card, in the language of the tenant's buyers."""
    name = str(body.get("name") or "") or translate(locale, N_("Your product's name"))
    lines = [Markup("<b>{}</b>").format(name)]
    if body.get("description"):
        lines += [Markup(), escape(body["description"])]
    costs = _prices(body, locale)
    if costs:
        lines += [Markup(), escape(f"💰 {' / '.join(costs)}")]
    label = translate(locale, N_("🛒 Buy for %(price)s"), price=costs[0] if costs else "—")
    return {"text": Markup("\n").join(lines), "buttons": [label]}


def example(body: Mapping[str, Any]) -> str:
    """What promoters get of one sale at the typed price; empty where there is no commission, or no price yet."""
    money = _price(body)
    if money is None or not money.minor:
        return ""
    try:
        commission = read_commission(body.get("commission"), money)
    except BadSpec:
        return ""
    if commission.kind is CommissionKind.NONE:
        return ""
    return _sentence(commission, money)


def _sentence(commission: Commission, money: Money) -> str:
    first, second = (shown(commission.of(money.minor, level), money.currency) for level in (1, 2))
    whole = shown(money.minor, money.currency)
    rest = money.minor - commission.of(money.minor, 1) - commission.of(money.minor, 2)
    amounts = {"price": whole, "first": first, "second": second, "rest": shown(rest, money.currency)}
    if not commission.second:
        return str(gettext("Of %(price)s the promoter gets %(first)s; %(rest)s stay with you.", **amounts))
    return str(
        gettext(
            "Of %(price)s the promoter gets %(first)s, and whoever brought him %(second)s; "
            "%(rest)s stay with you.",
            **amounts,
        )
    )


def _prices(body: Mapping[str, Any], locale: str) -> list[str]:
    """What it costs in each way of paying, every price once, as the bot shows it."""
    money, stars = _price(body), body.get("stars")
    found = []
    for way in body.get("providers") or (Provider.MANUAL.value,):
        if way == Provider.STARS:
            found += [shown_money(stars, STARS, locale)] if stars else []
        elif money is not None:
            found.append(shown_money(money.minor, money.currency, locale))
    return list(dict.fromkeys(found))


def _price(body: Mapping[str, Any]) -> Money | None:
    if body.get("currency") not in EXPONENTS:
        return None
    try:
        return read_money(str(body.get("price") or ""), body["currency"])
    except AmountNotValid:
        return None
