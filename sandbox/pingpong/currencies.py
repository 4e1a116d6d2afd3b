"""Amounts as the vendor's table of transaction currencies wants them."""

import re
from decimal import Decimal

WITHOUT_CENTS = frozenset(
    "BIF XOF XAF XPF CLP KMF DJF VND PYG GNF ISK RWF UGX UYI VUV KRW JPY".split()  # noqa: SIM905 - a table
)
THOUSANDTHS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
WITH_CENTS = frozenset(
    "AED ARS AUD BDT BGN BRL CAD CHF CNY COP CZK DKK EGP EUR GBP GHS HKD HUF IDR ILS INR KES KHR KZT LAK LKR MAD MMK "  # noqa: SIM905 - a table
    "MOP MXN MYR NGN NOK NPR NZD PEN PHP PKR PLN QAR RON RUB SAR SEK SGD THB TRY TWD UAH USD UZS ZAR".split()
)
AMOUNT = re.compile(r"\d{1,12}(?:\.(\d{1,4}))?", re.ASCII)
LONGEST = 12


def decimals(currency: str) -> int | None:
    """Digits behind the point; None for a currency that is not taken."""
    if currency in WITHOUT_CENTS:
        return 0
    if currency in THOUSANDTHS:
        return 3
    return 2 if currency in WITH_CENTS else None


def read_amount(text: object, currency: str) -> Decimal | None:
    """A decimal string above zero with no more digits than its currency has; None for anything else."""
    if not isinstance(text, str) or len(text) > LONGEST:
        return None
    found = AMOUNT.fullmatch(text)
    if found is None or len(found[1] or "") > (decimals(currency) or 0):
        return None
    amount = Decimal(text)
    return amount if amount > 0 else None


def six_decimals(amount: Decimal) -> str:
    """As answers and notifications write amounts."""
    return f"{amount:.6f}"
