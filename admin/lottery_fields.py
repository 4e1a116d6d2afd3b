"""The form of a lottery: its rows of prizes and channels, and what it holds as the JSON that `lottery_spec` reads."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, Field, FieldList, Form, FormField, IntegerField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import TextInput

from admin.forms import AdminForm, CleanStringField, LocalDateTimeField, RowSelectField, viewer_zone
from admin.pictures import PictureField
from app.core import clock
from app.domain.lotteries import (
    MAX_CHANNELS,
    MAX_CLAIM_HOURS,
    MAX_CREDITS,
    MAX_DESCRIPTION,
    MAX_ENTRIES,
    MAX_PRIZE_NAME,
    MAX_PRIZES,
    MAX_TICKETS,
    MAX_TITLE,
    MAX_WINNERS,
    ConditionKind,
)
from app.domain.lottery_fields import BadSpec, read_chat
from app.models import Bot

_PATH = re.compile(r"([a-z_]+)(?:\[(\d+)\])?(?:\.([a-z_]+))?")
EVENING = 20
"""The hour at which a new lottery closes tomorrow, in the tenant's zone."""
MAX_DAYS = 3650
MAX_INVITES = 1000
MAX_URL = 200


class RowOfForm(Form):
    """The base of rows inside a lottery's form: their messages are those of the form around them."""

    class Meta:
        """The token is the outer form's."""

        csrf = False

        def get_translations(self, form: Any) -> Any:
            """Texts in the viewer's language."""
            return AdminForm.Meta().get_translations(form)


class PrizeRow(RowOfForm):
    """A prize; a row without a name counts as none."""

    name = CleanStringField(_l("Prize"), [Length(max=MAX_PRIZE_NAME)])
    quantity = IntegerField(_l("How many"), [Optional(), NumberRange(1, MAX_WINNERS)], default=1)
    credits = IntegerField(_l("Credits"), [Optional(), NumberRange(1, MAX_CREDITS)])


class ChannelRow(RowOfForm):
    """A channel or group that an entrant must be in."""

    chat = CleanStringField(_l("Channel or group"), [Length(max=MAX_URL)])
    title = CleanStringField("", [Length(max=MAX_TITLE)])
    url = CleanStringField(_l("Invitation link"), [Length(max=MAX_URL)])


class ChatsField(Field):
    """Several channels or groups, each sent as a value of its own; `data` is a list of `@name` or numbers."""

    widget = TextInput()
    data: Any

    def process_formdata(self, valuelist: list[str]) -> None:
        """From the browser: blank ones count as none."""
        self.data = list(dict.fromkeys(chat_of(text) for text in valuelist if text.strip()))


def chat_of(pasted: str) -> str:
    """`@name` or a number, out of a link or a bare name too; what is neither stays as it is, for mending."""
    for text in (pasted, f"@{pasted.strip()}"):
        try:
            return read_chat(text)
        except BadSpec:
            continue
    return pasted.strip()[:MAX_URL]


def bot_field() -> RowSelectField:
    """The tenant's bots that were not removed."""
    return RowSelectField(
        _l("Bot"),
        model=Bot,
        shown=lambda bot: bot.name or f"@{bot.username}",
        narrow=lambda query: query.where(Bot.removed_at.is_(None)).order_by(Bot.id),
    )


def amount(label: Any, most: int) -> IntegerField:
    """A whole number that may be left out."""
    return IntegerField(label, [Optional(), NumberRange(1, most)])


class LotteryForm(AdminForm):
    """Everything that a boss decides about a lottery."""

    also_posted = frozenset({"id", "then", "template"})

    bot_id = bot_field()
    title = CleanStringField(_l("Title"), [InputRequired(), Length(max=MAX_TITLE)])
    description = TextAreaField(
        _l("Description"), [Optional(), Length(max=MAX_DESCRIPTION)], render_kw={"rows": 4}
    )
    picture = PictureField(_l("Picture"), [Optional()])
    prizes = FieldList(FormField(PrizeRow), min_entries=1, max_entries=MAX_PRIZES)
    opens_at = LocalDateTimeField(
        _l("Opens at"), [Optional()], description=_l("Empty means at once when it is published.")
    )
    closes_at = LocalDateTimeField(_l("Closes at"), [InputRequired()])
    max_entries = amount(_l("Most entrants"), MAX_ENTRIES)
    closes_when_full = BooleanField(_l("Draw as soon as all places are taken"))
    channels = FieldList(FormField(ChannelRow), max_entries=MAX_CHANNELS)
    invites = amount(_l("Friends to invite"), MAX_INVITES)
    credits = amount(_l("Credits to pay"), MAX_CREDITS)
    account_age = amount(_l("Days since the first contact"), MAX_DAYS)
    per_invite = amount(_l("Tickets for each friend"), MAX_TICKETS)
    per_boost = amount(_l("Tickets for each boost"), MAX_TICKETS)
    boost_chat = CleanStringField(_l("Boosted channel"), [Optional(), Length(max=MAX_URL)])
    price = amount(_l("Credits for one more ticket"), MAX_CREDITS)
    most_tickets = amount(_l("Most tickets for one person"), MAX_TICKETS)
    publish_to = ChatsField(_l("Publish to"))
    claim_hours = amount(_l("Hours to claim"), MAX_CLAIM_HOURS)

    def written(self) -> dict[str, Any]:
        """The form as a lottery's JSON; moments are ISO 8601 in UTC."""
        return {
            "title": self.title.data or "",
            "description": (self.description.data or "").strip(),
            "prizes": [prize(row.form) for row in self.prizes if row.form.name.data],
            "opens_at": _iso(self.opens_at.data),
            "closes_at": _iso(self.closes_at.data),
            "max_entries": self.max_entries.data,
            "closes_when_full": bool(self.closes_when_full.data),
            "conditions": self.conditions(),
            "tickets": self.tickets(),
            "publish_to": list(self.publish_to.data or ()),
            "claim_hours": self.claim_hours.data,
            "picture_id": self.picture.data,
        }

    def place(self, error: BadSpec, text: str) -> None:
        """Shows what a reader of the JSON complained of at the field that it came from."""
        path = _PATH.fullmatch(error.field)
        field = self._field(path[1], int(path[2] or 0), path[3] or "") if path else None
        if field is None:
            self.form_errors.append(text)
        else:
            field.errors = [*field.errors, text]

    def _field(self, name: str, number: int, part: str) -> Any:
        if name == "prizes":
            rows = [row.form for row in self.prizes if row.form.name.data] or [self.prizes[0].form]
            return rows[min(number, len(rows) - 1)][part or "name"]
        if name == "conditions":
            rows = [row.form for row in self.channels if row.form.chat.data]
            rest = [field for field in (self.invites, self.credits, self.account_age) if field.data]
            if number < len(rows):
                return rows[number][part if part in {"chat", "url"} else "chat"]
            return (rest or [None])[min(number - len(rows), len(rest) - 1)]
        if name == "tickets":
            name = {"max": "most_tickets", "": "most_tickets"}.get(part, part)
        return self._fields.get({"picture_id": "picture"}.get(name, name))

    def conditions(self) -> list[dict[str, Any]]:
        """What an entrant needs, as JSON."""
        rows: list[dict[str, Any]] = [channel(row.form) for row in self.channels if row.form.chat.data]
        for kind, name, field in (
            (ConditionKind.INVITES, "count", self.invites),
            (ConditionKind.CREDITS, "amount", self.credits),
            (ConditionKind.ACCOUNT_AGE, "days", self.account_age),
        ):
            if field.data:
                rows.append({"type": kind.value, name: field.data})
        return rows

    def tickets(self) -> dict[str, Any]:
        """How somebody gets more than one ticket, as JSON; empty where nobody does."""
        chat = chat_of(self.boost_chat.data or "")
        rules = {
            "per_invite": self.per_invite.data,
            "per_boost": self.per_boost.data,
            "boost_chat": chat if self.per_boost.data else None,
            "price": self.price.data,
        }
        given = {name: value for name, value in rules.items() if value}
        return given | {"max": self.most_tickets.data or 10} if given else {}


def prize(row: Any) -> dict[str, Any]:
    """A row as JSON."""
    found = {"name": row.name.data, "quantity": row.quantity.data or 1}
    return found | ({"credits": row.credits.data} if row.credits.data else {})


def channel(row: Any) -> dict[str, Any]:
    """A row as JSON; what was pasted as a link becomes `@name`."""
    found = {"type": ConditionKind.CHANNEL.value, "chat": chat_of(row.chat.data)}
    return found | {name: row[name].data for name in ("title", "url") if row[name].data}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def tomorrow_evening() -> datetime:
    """When a new lottery closes where nobody says otherwise."""
    local = clock.now().astimezone(viewer_zone()) + timedelta(days=1)
    return local.replace(hour=EVENING, minute=0, second=0, microsecond=0)


def filled(body: Mapping[str, Any]) -> dict[str, Any]:
    """A lottery's JSON as the form's initial data; moments that are missing stay so."""
    rules = body.get("tickets") or {}
    asked = {row.get("type"): row for row in body.get("conditions") or ()}
    return {
        **{name: body.get(name) for name in ("title", "description", "max_entries", "claim_hours")},
        "picture": body.get("picture_id"),
        "closes_when_full": bool(body.get("closes_when_full")),
        "prizes": list(body.get("prizes") or ()),
        "publish_to": list(body.get("publish_to") or ()),
        "channels": [row for row in body.get("conditions") or () if row.get("type") == ConditionKind.CHANNEL],
        "invites": (asked.get(ConditionKind.INVITES) or {}).get("count"),
        "credits": (asked.get(ConditionKind.CREDITS) or {}).get("amount"),
        "account_age": (asked.get(ConditionKind.ACCOUNT_AGE) or {}).get("days"),
        **{name: rules.get(name) for name in ("per_invite", "per_boost", "boost_chat", "price")},
        "most_tickets": rules.get("max"),
    }
