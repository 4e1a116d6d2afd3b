"""The credit ledger as a few dictionaries, and what may be done with it: to the model and to the real one."""

from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import timedelta

from sqlalchemy import text

from app.core.db import db
from app.core.errors import AppError
from app.services import credits as ledger
from app.services.credits import NewPosting, Posting, holds, settings, transfers

Key = tuple[str, str]


@dataclass
class Hold:
    who: int
    amount: int
    reason: str
    state: str = "active"
    captured: int = 0


@dataclass
class Model:
    """`made`: by reference what was asked, with the balance after it. Nobody's account is there to begin with."""

    balances: dict[int, int] = field(default_factory=dict)
    floors: dict[int, int] = field(default_factory=dict)
    made: dict[Key, tuple[NewPosting, int]] = field(default_factory=dict)
    holds: dict[Key, Hold] = field(default_factory=dict)
    overdraft: int = 0

    def copy(self) -> "Model":
        return deepcopy(self)

    def held(self, who: int) -> int:
        return sum(hold.amount for hold in self.holds.values() if (hold.who, hold.state) == (who, "active"))

    def floor(self, who: int) -> int:
        return self.floors.get(who, -self.overdraft)

    def available(self, who: int) -> int:
        return self.balances.get(who, 0) - self.held(who)

    def post(self, new: NewPosting) -> str:
        if new.key in self.made:
            first, balance = self.made[new.key]
            same = replace(new, details={}) == replace(first, details={})
            return f"duplicate {balance}" if same else "reference_conflict"
        if self.available(new.telegram_id) + new.amount < self.floor(new.telegram_id):
            return "insufficient_credits"
        return self._write(new)

    def _write(self, new: NewPosting) -> str:
        after = self.balances.get(new.telegram_id, 0) + new.amount
        self.balances[new.telegram_id] = after
        self.floors.setdefault(new.telegram_id, -self.overdraft)
        self.made[new.key] = (new, after)
        return f"posted {after}"

    def post_many(self, batch: list[NewPosting], *, atomic: bool) -> list[str]:
        tried = self.copy()
        ends = [tried.post(new) for new in batch]
        if not atomic or all(" " in end for end in ends):
            self.__dict__.update(tried.__dict__)
            return ends
        return ["not_posted" if end.startswith("posted") else end for end in ends]

    def transfer(self, sender: int, receiver: int, amount: int, key: str) -> str:
        out = NewPosting(sender, -amount, "transfer", f"{key}:out", "x")
        if out.key not in self.made and amount > self.available(sender):
            return "insufficient_credits"
        ends = self.post_many([out, NewPosting(receiver, amount, "transfer", f"{key}:in", "x")], atomic=True)
        return next((end for end in ends if " " not in end and end != "not_posted"), " ".join(ends))

    def reserve(self, asked: NewPosting) -> str:
        """Of minus its amount."""
        if asked.key in self.holds:
            hold = self.holds[asked.key]
            same = (hold.who, hold.amount, hold.reason) == (asked.telegram_id, -asked.amount, asked.reason)
            return f"hold {hold.state}" if same else "reference_conflict"
        if asked.key in self.made:
            return "reference_conflict"
        if self.available(asked.telegram_id) + asked.amount < self.floor(asked.telegram_id):
            return "insufficient_credits"
        self.holds[asked.key] = Hold(asked.telegram_id, -asked.amount, asked.reason)
        self.balances.setdefault(asked.telegram_id, 0)
        self.floors.setdefault(asked.telegram_id, -self.overdraft)
        return "hold active"

    def capture(self, key: Key, part: int | None) -> str:
        hold = self.holds[key]
        amount = hold.amount if part is None else min(part, hold.amount)
        if hold.state == "captured" and hold.captured == amount:
            return f"duplicate {self.made[key][1]}"
        if hold.state != "active":
            return "hold_closed"
        if key in self.made:
            return "reference_conflict"
        hold.state, hold.captured = "captured", amount
        return self._write(NewPosting(hold.who, -amount, *key, hold.reason))

    def void(self, key: Key) -> str:
        hold = self.holds[key]
        if hold.state == "active":
            hold.state = "voided"
        return f"hold {hold.state}" if hold.state == "voided" else "hold_closed"

    def expire(self, key: Key) -> str:
        hold = self.holds[key]
        if hold.state != "active":
            return "0"
        hold.state = "expired"
        return "1"

    def allow(self, overdraft: int) -> str:
        if overdraft != self.overdraft:
            self.overdraft = overdraft
            self.floors = {who: min(-overdraft, self.available(who)) for who in self.balances}
        return "allowed"


class Real:
    """The same of a tenant's ledger; the caller's transaction."""

    def __init__(self, tenant_id: int) -> None:
        self.tenant_id = tenant_id

    def post(self, new: NewPosting) -> str:
        try:
            made = ledger.post(
                self.tenant_id,
                new.telegram_id,
                new.amount,
                source=new.source,
                reference=new.reference,
                reason=new.reason,
            )
        except AppError as error:
            return error.code
        return ending(made)

    def post_many(self, batch: list[NewPosting], *, atomic: bool) -> list[str]:
        return [ending(one) for one in ledger.post_many(self.tenant_id, batch, atomic=atomic)]

    def transfer(self, sender: int, receiver: int, amount: int, key: str) -> str:
        try:
            made = transfers.transfer(self.tenant_id, sender, receiver, amount, key=key, reason="x")
        except AppError as error:
            return error.code
        return f"{ending(made.sent)} {ending(made.received)}"

    def reserve(self, asked: NewPosting) -> str:
        try:
            hold = holds.reserve(
                self.tenant_id,
                asked.telegram_id,
                -asked.amount,
                source=asked.source,
                reference=asked.reference,
                reason=asked.reason,
                lasts=timedelta(days=1),
            )
        except AppError as error:
            return error.code
        return f"hold {hold.state}"

    def capture(self, key: Key, part: int | None) -> str:
        hold_id, amount = self._hold(key)
        try:
            made = holds.capture(self.tenant_id, hold_id, part and min(part, amount))[1]
        except AppError as error:
            return error.code
        return ending(made)

    def void(self, key: Key) -> str:
        try:
            return f"hold {holds.void(self.tenant_id, self._hold(key)[0]).state}"
        except AppError as error:
            return error.code

    def expire(self, key: Key) -> str:
        db.session.execute(
            text("UPDATE credit_hold SET expires_at = now() - interval '1 minute' WHERE id = :id"),
            {"id": self._hold(key)[0]},
        )
        return str(holds.expire_due(10))

    def allow(self, overdraft: int) -> str:
        settings.save(self.tenant_id, overdraft=overdraft)
        return "allowed"

    def _hold(self, key: Key) -> tuple[int, int]:
        query = text("SELECT id, amount FROM credit_hold WHERE source = :source AND reference = :reference")
        row = db.session.execute(query, {"source": key[0], "reference": key[1]}).one()
        return row.id, row.amount


def ending(result: Posting | AppError) -> str:
    if isinstance(result, AppError):
        return result.code
    return f"{'duplicate' if result.duplicate else 'posted'} {result.balance}"
