"""Lotteries to begin with: cards on an empty page, each a form filled in as far as it goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l


@dataclass(frozen=True)
class Preset:
    """A card; `body` is a lottery's JSON whose texts are msgids still, `days` = it closes that many evenings from now."""

    icon: str
    name: Any
    lead: Any
    body: Mapping[str, Any]
    days: int = 1


PRESETS: Mapping[str, Preset] = {
    "quick": Preset(
        "zap",
        _l("Quick draw"),
        _l("Three winners, tomorrow evening, no conditions. The fastest start."),
        {"title": _l("Thank-you draw for everybody"), "prizes": [{"name": _l("Red packet"), "quantity": 3}]},
    ),
    "channel": Preset(
        "megaphone",
        _l("More subscribers"),
        _l("Only people in your channel may join; checked at joining and again at the draw."),
        {
            "title": _l("Subscribers' draw"),
            "description": _l("Follow the channel and press the button below."),
            "prizes": [
                {"name": _l("First prize"), "quantity": 1},
                {"name": _l("Second prize"), "quantity": 5},
            ],
            "conditions": [{"type": "channel", "chat": ""}],
        },
        3,
    ),
    "friends": Preset(
        "users",
        _l("Friends bring friends"),
        _l("Every friend who comes by somebody's link gives that person one more ticket."),
        {
            "title": _l("Bring friends, win more"),
            "description": _l("Each friend whom you invite gives you one more ticket."),
            "prizes": [
                {"name": _l("First prize"), "quantity": 1},
                {"name": _l("Second prize"), "quantity": 3},
            ],
            "tickets": {"per_invite": 1, "max": 10},
        },
        7,
    ),
    "full": Preset(
        "users-round",
        _l("Draw when full"),
        _l("The hundredth entrant starts the draw. Makes people hurry."),
        {
            "title": _l("The first 100"),
            "prizes": [{"name": _l("Red packet"), "quantity": 5}],
            "max_entries": 100,
            "closes_when_full": True,
        },
        7,
    ),
    "credits": Preset(
        "coins",
        _l("Draw for credits"),
        _l("Joining costs credits; the prize is paid out in credits by itself."),
        {
            "title": _l("Credits jackpot"),
            "prizes": [{"name": _l("1,000 credits"), "quantity": 1, "credits": 1000}],
            "conditions": [{"type": "credits", "amount": 10}],
        },
        1,
    ),
}


def body_of(preset: Preset) -> dict[str, Any]:
    """Its JSON with the texts in the viewer's language."""
    texts = {name: str(preset.body[name]) for name in ("title", "description") if name in preset.body}
    prizes = [prize | {"name": str(prize["name"])} for prize in preset.body["prizes"]]
    return {**preset.body, **texts, "prizes": prizes}
