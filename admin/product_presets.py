"""Products to begin with: cards on an empty page, each a form filled in as far as it goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from app.domain.products import ProductKind


@dataclass(frozen=True)
class Preset:
    """A card; `body` is a product's JSON whose texts are msgids still."""

    icon: str
    kind: ProductKind
    name: Any
    lead: Any
    body: Mapping[str, Any]


PRESETS: Mapping[str, Preset] = {
    "bazi": Preset(
        "sparkles",
        ProductKind.BAZI_REPORT,
        _l("Sell a BaZi report"),
        _l(
            "Buyers enter their birth, pay, and get a written report and a PDF within minutes. Nothing for you to do."
        ),
        {
            "name": _l("Full BaZi report"),
            "description": _l(
                "Your four pillars, your luck pillars and the years to come, written for you alone."
            ),
            "price": "19.90",
            "stars": 990,
        },
    ),
    "codes": Preset(
        "ticket",
        ProductKind.DIGITAL_GOODS,
        _l("Sell codes, links or files"),
        _l(
            "Paste your card codes, links or files. Each buyer gets one of them at once, and none is sold twice."
        ),
        {
            "name": _l("Membership card, 30 days"),
            "description": _l("You get your code right after the payment."),
            "price": "9.90",
            "stars": 490,
        },
    ),
    "credits": Preset(
        "coins",
        ProductKind.CREDITS,
        _l("Sell credits"),
        _l("Buyers top up their credits; they are added the moment the money is there."),
        {
            "name": _l("1,000 credits"),
            "description": _l("On your account at once."),
            "price": "9.90",
            "stars": 490,
            "credits": 1000,
        },
    ),
    "manual": Preset(
        "handshake",
        ProductKind.MANUAL,
        _l("Sell something by hand"),
        _l(
            "Consultations, services, parcels: you get the order with the buyer's answers, deliver and mark it."
        ),
        {
            "name": _l("Consultation, 30 minutes"),
            "description": _l("We arrange a time after your payment."),
            "price": "49.00",
            "stars": 2450,
            "instructions": _l("Thank you! We will write to you within a day to arrange a time."),
            "fields": [
                {"label": _l("What is it about?"), "kind": "text"},
                {"label": _l("When does it suit you?"), "kind": "text", "required": False},
            ],
        },
    ),
}
PRESET_OF = {preset.kind: key for key, preset in PRESETS.items()}


def body_of(preset: Preset, ways: list[str], currency: str) -> dict[str, Any]:
    """Its JSON with the texts in the viewer's language, paid in all the ways that are set up."""
    texts = {
        name: str(preset.body[name])
        for name in ("name", "description", "instructions")
        if name in preset.body
    }
    fields = [field | {"label": str(field["label"])} for field in preset.body.get("fields", ())]
    common = {"kind": preset.kind.value, "currency": currency, "providers": ways, "fields": fields}
    return {**preset.body, **texts, **common}
