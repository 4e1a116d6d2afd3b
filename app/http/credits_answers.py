"""What the credit API gives. Numbers are JSON integers; times are UTC."""

from datetime import datetime

from pydantic import BaseModel, Field

from app.domain.credit_holds import HoldState


class Posted(BaseModel):
    """What a posting did."""

    success: bool = True
    balance: int = Field(description="After this posting; of a duplicate: after the first one.")
    message: str = Field(description="For people, in the caller's language.")
    transaction_id: int
    duplicate: bool = Field(description="The same posting was made before, and this is its first result.")


class ItemResult(BaseModel):
    """What became of one item of a batch."""

    index: int = Field(description="Its place in the batch, from 0.")
    success: bool
    message: str
    balance: int | None = None
    transaction_id: int | None = None
    duplicate: bool | None = None
    code: str | None = Field(
        None, description="Why not, for programs; `not_posted` = because of others of an atomic batch."
    )
    fields: dict[str, list[str]] | None = None


class BatchPosted(BaseModel):
    """What became of a batch, item by item in the order given."""

    success: bool = Field(description="Nothing was refused.")
    posted: int
    duplicates: int
    refused: int
    results: list[ItemResult]


class Standing(BaseModel):
    """Somebody's credits now."""

    telegram_id: int
    balance: int
    held: int = Field(description="Put aside by active holds; part of the balance.")
    available: int = Field(description="What is not held: balance - held.")


class KnownStanding(Standing):
    known: bool = Field(description="Whether this user exists here.")


class Standings(BaseModel):
    balances: list[KnownStanding]


class Entry(BaseModel):
    """A posting."""

    id: int
    telegram_id: int
    amount: int
    balance: int = Field(description="After it.")
    source: str
    reference: str
    reason: str
    metadata: dict[str, object]
    created_at: datetime


class HistoryAnswer(BaseModel):
    postings: list[Entry]
    next: int | None = Field(
        description="Pass it as `before` for the next page; null = this was the last one."
    )


class ChangesAnswer(BaseModel):
    changes: list[Entry]
    cursor: int = Field(description="Pass it as `after` next time.")
    more: bool = Field(description="There is more right now; otherwise ask again later.")


class HoldAnswer(BaseModel):
    """A hold, and the credits of whom it belongs to."""

    success: bool = True
    message: str
    hold_id: int
    telegram_id: int
    amount: int
    captured: int
    state: HoldState
    source: str
    reference: str
    reason: str
    expires_at: datetime
    transaction_id: int | None = Field(description="The posting that a capture made.")
    balance: int
    held: int
    available: int


class Difference(BaseModel):
    """An account that differs."""

    telegram_id: int
    ours: int | None = Field(description="null = no such account here.")
    theirs: int
    undelivered: int = Field(description="The sum of changes that you have not been sent yet.")


class ComparisonAnswer(BaseModel):
    """The boss finds the same under this number."""

    id: int
    compared: int
    differing: int
    explained: int = Field(description="Of those that differ: by exactly what has not been delivered yet.")
    lines: list[Difference] = Field(description="The first 100 that differ.")
