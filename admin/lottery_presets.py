"""Lotteries to begin with, as cards on an empty page: each is a form filled in as far as it goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.domain import lottery_presets

_ICONS = {
    "quick": "zap",
    "channel": "megaphone",
    "friends": "users",
    "full": "users-round",
    "credits": "coins",
}


@dataclass(frozen=True)
class Preset:
    """A card; `days` = it closes that many evenings from now."""

    icon: str
    name: Any
    lead: Any
    source: lottery_presets.Preset

    @property
    def days(self) -> int:
        """As the preset says."""
        return self.source.days


PRESETS: Mapping[str, Preset] = {
    key: Preset(_ICONS[key], _l(one.name), _l(one.lead), one) for key, one in lottery_presets.PRESETS.items()
}


def body_of(preset: Preset) -> dict[str, Any]:
    """Its JSON with the texts in the viewer's language."""
    return lottery_presets.body_of(preset.source, lambda msgid: str(gettext(msgid)))
