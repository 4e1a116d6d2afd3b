"""Lotteries to begin with: their texts are msgids, which whoever shows them translates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.core.i18n import N_


@dataclass(frozen=True)
class Preset:
    """`body` is a lottery's JSON whose texts are msgids still, `days` = it closes that many evenings from now."""

    name: str
    lead: str
    body: Mapping[str, Any]
    days: int = 1


PRESETS: Mapping[str, Preset] = {
    "quick": Preset(
        N_("Quick draw"),
        N_("Three winners, tomorrow evening, no conditions. The fastest start."),
        {"title": N_("Thank-you draw for everybody"), "prizes": [{"name": N_("Red packet"), "quantity": 3}]},
    ),
    "channel": Preset(
        N_("More subscribers"),
        N_("Only people in your channel may join; checked at joining and again at the draw."),
        {
            "title": N_("Subscribers' draw"),
            "description": N_("Follow the channel and press the button below."),
            "prizes": [
                {"name": N_("First prize"), "quantity": 1},
                {"name": N_("Second prize"), "quantity": 5},
            ],
            "conditions": [{"type": "channel", "chat": ""}],
        },
        3,
    ),
    "friends": Preset(
        N_("Friends bring friends"),
        N_("Every friend who comes by somebody's link gives that person one more ticket."),
        {
            "title": N_("Bring friends, win more"),
            "description": N_("Each friend whom you invite gives you one more ticket."),
            "prizes": [
                {"name": N_("First prize"), "quantity": 1},
                {"name": N_("Second prize"), "quantity": 3},
            ],
            "tickets": {"per_invite": 1, "max": 10},
        },
        7,
    ),
    "full": Preset(
        N_("Draw when full"),
        N_("The hundredth entrant starts the draw. Makes people hurry."),
        {
            "title": N_("The first 100"),
            "prizes": [{"name": N_("Red packet"), "quantity": 5}],
            "max_entries": 100,
            "closes_when_full": True,
        },
        7,
    ),
    "credits": Preset(
        N_("Draw for credits"),
        N_("Joining costs credits; the prize is paid out in credits by itself."),
        {
            "title": N_("Credits jackpot"),
            "prizes": [{"name": N_("1,000 credits"), "quantity": 1, "credits": 1000}],
            "conditions": [{"type": "credits", "amount": 10}],
        },
        1,
    ),
}


def body_of(preset: Preset, translated: Callable[[str], str]) -> dict[str, Any]:
    """Its JSON with the texts in one language."""
    texts = {name: translated(preset.body[name]) for name in ("title", "description") if name in preset.body}
    prizes = [prize | {"name": translated(prize["name"])} for prize in preset.body["prizes"]]
    return {**preset.body, **texts, "prizes": prizes}
