"""Amounts: whole minor units of a currency inside, decimal strings outside. Never a float."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from babel.numbers import format_currency

from app.core.errors import BadInput
from app.core.i18n import N_

STARS: Final = "XTR"
EXPONENTS: Final[Mapping[str, int]] = {
    "CNY": 2,
    "USD": 2,
    "EUR": 2,
    "GBP": 2,
    "HKD": 2,
    "TWD": 2,
    "SGD": 2,
    "MYR": 2,
    "THB": 2,
    "PHP": 2,
    "IDR": 2,
    "AUD": 2,
    "CAD": 2,
    "JPY": 0,
    "KRW": 0,
    "VND": 0,
    STARS: 0,
}
"""The currencies that may be used, with the digits behind the point (ISO 4217)."""
MAX_MINOR: Final = 10**11
_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?", re.ASCII)


class AmountNotValid(BadInput):
    code = "amount_not_valid"
    message = N_("This is no amount of %(currency)s. Write it like %(example)s.")


class CurrencyUnknown(BadInput):
    code = "currency_unknown"
    message = N_("The currency %(currency)s is not offered. Offered are: %(known)s.")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (cents), with its currency."""

    minor: int
    currency: str

    def decimal(self) -> Decimal:
        """The amount in the currency's own unit, with its digits behind the point."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def __str__(self) -> str:
        """`19.90 USD`, for logs and machines; people get `babel.numbers.format_currency`."""
        return f"{self.decimal()} {self.currency}"


def exponent(currency: str) -> int:
    """Digits behind the point. Raises CurrencyUnknown."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise CurrencyUnknown(currency=currency[:8], known=", ".join(EXPONENTS)) from None


def read_money(text: str, currency: str) -> Money:
    """An amount as a decimal string, like `19.9` or `19.900000`. Raises AmountNotValid, CurrencyUnknown.

    Digits beyond the currency's own must be zeros: nothing is ever rounded.
    """
    digits = exponent(currency)
    example = "19.90" if digits else "19"
    if not _DECIMAL.fullmatch(text):
        raise AmountNotValid(currency=currency, example=example)
    minor = Decimal(text).scaleb(digits)
    if minor != minor.to_integral_value() or minor > MAX_MINOR:
        raise AmountNotValid(currency=currency, example=example)
    return Money(int(minor), currency)


def shown_money(minor: int, currency: str, locale: str) -> str:
    """An amount as people of the locale write it: `US$19.90`, `-¥5.00`; Stars by their sign."""
    if currency == STARS:
        return f"⭐{minor}"
    return str(format_currency(Money(minor, currency).decimal(), currency, locale=locale))
