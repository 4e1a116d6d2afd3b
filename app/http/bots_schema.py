"""What the JSON API for bots takes and gives."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from app.core.i18n import translate
from app.domain.bot_health import Repair
from app.domain.bots import BotState, Mode
from app.http.i18n import select_locale
from app.models import Bot
from app.services import health

MAX_PASTED = 4096
Pasted = Annotated[SecretStr, Field(max_length=MAX_PASTED)]


class Strict(BaseModel):
    """Input: a misspelt field is refused, not ignored."""

    model_config = ConfigDict(extra="forbid")


class Which(Strict):
    """The tenant's only bot where none is named."""

    bot: str | None = Field(
        None, max_length=64, description="Public id; needed where the tenant has several bots"
    )


class Page(Strict):
    after: int = Field(0, ge=0, lt=2**62, description="`next` of the page before")


class NewBot(Strict):
    token: Pasted = Field(description="What @BotFather gave")
    mode: Mode = Mode.POLLING
    locale: Literal["zh", "en"] | None = Field(None, description="Language of texts; none = the tenant's")


class BotChange(Strict):
    """Only what is given changes."""

    token: Pasted | None = Field(None, description="A new token of the same bot")
    mode: Mode | None = None
    enabled: bool | None = None
    locale: Literal["zh", "en"] | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("nothing to change")
        return self


class WhichWebhook(Which):
    rotate_secret: bool = Field(
        default=False, description="Give Telegram a new secret; the old one holds ten minutes more"
    )


class Words(BaseModel):
    """What is wrong, and the action that would help."""

    problem: str | None
    message: str
    repair: Repair | None
    code: int | None = Field(description="Telegram's error code; 0 = no answer")
    at: datetime | None


class Webhook(BaseModel):
    host: str = Field(description="Who receives the updates by webhook; empty = nobody")
    ours: bool
    expected: str = Field(description="Where they should go; empty in polling mode")
    drift: bool


class BotView(BaseModel):
    """A bot and how it is. Times are UTC."""

    public_id: str
    telegram_id: int | None
    username: str
    name: str
    link: str
    token: str = Field(description="Its first ten characters and ***")
    mode: Mode
    enabled: bool
    state: BotState
    locale: str | None
    running_since: datetime | None
    last_update_at: datetime | None
    updates_today: int
    failed_today: int
    queue_length: int
    queue_lag: float = Field(description="Seconds that the oldest waiting update has waited")
    pending_updates: int | None = Field(description="Waiting at Telegram when it was last asked")
    send_budget: float | None = Field(description="Free share of Telegram's sending limit; null = unknown")
    checked_at: datetime | None
    webhook: Webhook
    last_error: Words | None


class BotList(BaseModel):
    bots: list[BotView]
    next: int | None = Field(description="Pass it as ?after= for the next page")


def view_of(bot: Bot) -> BotView:
    """The bot with its health, in the caller's language."""
    return views_of([bot])[0]


def views_of(many: Sequence[Bot]) -> list[BotView]:
    """Several bots."""
    return [_view(card) for card in health.cards(many)]


def _view(card: health.HealthCard) -> BotView:
    reading = card.reading
    words = reading and Words(
        problem=reading.problem,
        message=translate(select_locale(), reading.text, **reading.params),
        repair=reading.repair,
        code=card.error_code,
        at=card.error_at,
    )
    return BotView(
        public_id=card.public_id,
        telegram_id=card.telegram_id,
        username=card.username,
        name=card.name,
        link=card.link,
        token=card.token,
        mode=card.mode,
        enabled=card.enabled,
        state=card.state,
        locale=card.locale,
        running_since=card.running_since,
        last_update_at=card.last_update_at,
        updates_today=card.updates_today,
        failed_today=card.failed_today,
        queue_length=card.queue_length,
        queue_lag=card.queue_lag,
        pending_updates=card.pending_updates,
        send_budget=card.send_budget,
        checked_at=card.checked_at,
        webhook=Webhook(
            host=card.webhook_host,
            ours=card.webhook_ours,
            expected=card.webhook_expected,
            drift=card.webhook_drift,
        ),
        last_error=words,
    )
