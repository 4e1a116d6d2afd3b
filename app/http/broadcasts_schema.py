"""What the JSON API for broadcasts takes and gives."""

from datetime import datetime
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from app.core.i18n import translate
from app.domain.broadcasts import (
    MAX_BUTTONS,
    MAX_LABEL,
    MAX_NAME,
    MAX_URL,
    Audience,
    AudienceKind,
    BroadcastState,
    Button,
    Content,
    halt_words,
)
from app.domain.sending import MAX_TEXT
from app.http.bots_schema import Strict
from app.http.i18n import select_locale
from app.models import Bot, Broadcast, Lottery, Product
from app.services import broadcasts

MAX_ID = 2**62


class ButtonBody(Strict):
    label: str = Field(min_length=1, max_length=MAX_LABEL)
    url: str = Field(max_length=MAX_URL, description="https://, http:// or tg://")


class AudienceBody(Strict):
    """Who gets it, among those who wrote to the bot and do not block it."""

    kind: AudienceKind = AudienceKind.ALL
    days: int | None = Field(None, ge=1, le=3650, description="For `active` and `inactive`")
    language: Literal["zh", "en"] | None = Field(None, description="For `language`")
    lottery: str | None = Field(None, max_length=40, description="For `entrants`: the lottery's code")
    product: str | None = Field(
        None, max_length=40, description="For `buyers`: the product's code, or none for any"
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = {
            AudienceKind.ALL: None,
            AudienceKind.ACTIVE: "days",
            AudienceKind.INACTIVE: "days",
            AudienceKind.LANGUAGE: "language",
            AudienceKind.ENTRANTS: "lottery",
            AudienceKind.BUYERS: "product",
        }[self.kind]
        names = ("days", "language", "lottery", "product")
        given = {name for name in names if getattr(self, name) is not None}
        fits = given == ({needed} if needed else set()) or (not given and self.kind is AudienceKind.BUYERS)
        if not fits:
            raise ValueError(f"{self.kind.value} takes {needed or 'nothing'} beside it")
        return self

    def read(self, named: Lottery | Product | None) -> Audience:
        """As the service takes it."""
        found = self.days or self.language or (named.id if named else "")
        return Audience(self.kind, str(found))


class NewBroadcast(Strict):
    """A draft; with `start` it is sent at once, with `scheduled_at` then."""

    text: str = Field(min_length=1, max_length=MAX_TEXT)
    name: str = Field("", max_length=MAX_NAME, description="Only you see it")
    buttons: list[ButtonBody] = Field(default_factory=list, max_length=MAX_BUTTONS)
    audience: AudienceBody = Field(default_factory=AudienceBody)
    scheduled_at: AwareDatetime | None = None
    start: bool = False

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.start and self.scheduled_at:
            raise ValueError("start or scheduled_at, not both")
        return self

    def content(self) -> Content:
        """As the service takes it."""
        return Content(self.text, tuple(Button(each.label, each.url) for each in self.buttons))


class Listing(Strict):
    state: BroadcastState | None = None
    before: int = Field(MAX_ID, ge=1, le=MAX_ID, description="`next` of the page before")


class ProgressView(BaseModel):
    total: int
    delivered: int
    blocked: int
    failed: int
    unclear: int = Field(description="The connection broke: they may have got it or not")
    left: int
    seconds_left: float | None = Field(description="Roughly; null when it is not being sent")


class BroadcastView(BaseModel):
    """A broadcast and how far it is. Times are UTC."""

    id: int
    bot: str = Field(description="Public id of the bot that sends it")
    name: str
    text: str
    buttons: list[ButtonBody]
    has_picture: bool
    audience: AudienceKind
    state: BroadcastState
    error: str | None = Field(description="Why it paused by itself")
    scheduled_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    progress: ProgressView


class BroadcastList(BaseModel):
    broadcasts: list[BroadcastView]
    next: int | None = Field(description="Pass it as ?before= for the next page")


def view_of(broadcast: Broadcast, bot: Bot) -> BroadcastView:
    """The broadcast in the caller's language."""
    progress, content = broadcasts.progress_of(broadcast), broadcasts.content_of(broadcast)
    running = broadcast.state is BroadcastState.RUNNING
    text, params = halt_words(broadcast.error) if broadcast.error else ("", {})
    return BroadcastView(
        id=broadcast.id,
        bot=bot.public_id,
        name=broadcast.name,
        text=content.body,
        buttons=[ButtonBody(label=each.label, url=each.url) for each in content.buttons],
        has_picture=content.picture_id is not None,
        audience=broadcasts.audience_of(broadcast).kind,
        state=broadcast.state,
        error=translate(select_locale(), text, **params) if text else None,
        scheduled_at=broadcast.scheduled_at,
        started_at=broadcast.started_at,
        finished_at=broadcast.finished_at,
        progress=ProgressView(
            total=progress.total,
            delivered=progress.sent,
            blocked=progress.blocked,
            failed=progress.failed,
            unclear=progress.unknown,
            left=progress.left,
            seconds_left=round(progress.seconds_left, 1) if running else None,
        ),
    )
