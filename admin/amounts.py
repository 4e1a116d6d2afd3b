"""Amounts of money on pages, in the viewer's language."""

from collections.abc import Mapping

from flask_babel import get_locale

from app.domain.money import shown_money


def money(minor: int, currency: str) -> str:
    """An amount, given in minor units."""
    return shown_money(minor, currency, str(get_locale()))


def sums(amounts: Mapping[str, int]) -> str:
    """Amounts of several currencies in one line; a dash where there are none."""
    return " · ".join(money(minor, currency) for currency, minor in amounts.items() if minor) or "—"
