"""What a partner knows: the changes it took, the balances they add up to, and every request that came."""

from collections import Counter, deque
from dataclasses import asdict, dataclass, field

from sandbox.shapes import Json

KEPT_VISITS = 500
FIELDS: dict[str, type] = {
    "id": int, "telegram_id": int, "amount": int, "balance": int, "source": str, "reference": str, "reason": str,
    "metadata": dict, "created_at": str,
}  # fmt: skip


class NotABatch(ValueError):
    """The body is not as agreed; the text says why."""


@dataclass(slots=True)
class Taken:
    """A change that was taken. `copies`: how often it came again; `late`: after a newer one of the same account."""

    change: Json
    at: int
    copies: int = 0
    late: bool = False


@dataclass(slots=True)
class Visit:
    """One request: when, which batch, how many changes, and the HTTP status of the answer (0: none)."""

    at: int
    batch_id: str
    count: int
    status: int
    what: str = ""


@dataclass(slots=True)
class Partner:
    """One project. `api_key` and `api_secret` are its own for calling the ledger, where somebody told them."""

    name: str
    key_id: str = ""
    secret_key: str = ""
    site: str = ""
    source: str = ""
    api_key: str = ""
    api_secret: str = ""
    taken: dict[int, Taken] = field(default_factory=dict)
    balances: Counter[int] = field(default_factory=Counter)
    visits: deque[Visit] = field(default_factory=lambda: deque(maxlen=KEPT_VISITS))
    conflicts: list[Json] = field(default_factory=list)
    nonces: dict[str, float] = field(default_factory=dict)
    newest: dict[int, int] = field(default_factory=dict)
    references: dict[tuple[str, str], int] = field(default_factory=dict)

    def take(self, change: Json, now: float) -> None:
        """Take a change, once by its id and once by its source and reference."""
        known = self.taken.get(change["id"]) or self.taken.get(
            self.references.get((change["source"], change["reference"]), 0)
        )
        if known is not None:
            known.copies += 1
            if known.change != change:
                self.conflicts.append(change)
            return
        who = change["telegram_id"]
        taken = Taken(change, int(now), late=change["id"] < self.newest.get(who, 0))
        self.taken[change["id"]] = taken
        self.references[change["source"], change["reference"]] = change["id"]
        self.newest[who] = max(change["id"], self.newest.get(who, 0))
        self.balances[who] += change["amount"]

    def is_new(self, nonce: str, now: float) -> bool:
        """Whether the nonce was not used within the last quarter of an hour; from now on it is."""
        for old in [old for old, until in self.nonces.items() if until < now]:
            del self.nonces[old]
        is_new = nonce not in self.nonces
        self.nonces[nonce] = now + 900
        return is_new

    def as_json(self) -> Json:
        """All that tests want to know, in the order in which it arrived."""
        return {
            "name": self.name,
            "key_id": self.key_id,
            "has_api_key": bool(self.api_key),
            "changes": [taken.change for taken in self.taken.values()],
            "balances": {str(who): balance for who, balance in self.balances.items()},
            "copies": {str(number): taken.copies for number, taken in self.taken.items() if taken.copies},
            "late": [number for number, taken in self.taken.items() if taken.late],
            "conflicts": self.conflicts,
            "visits": [asdict(visit) for visit in self.visits],
        }

    def snapshot(self) -> Json:
        """What survives a restart; nonces do not."""
        keys = ("name", "key_id", "secret_key", "site", "source", "api_key", "api_secret", "conflicts")
        return {
            **{key: getattr(self, key) for key in keys},
            "taken": [asdict(taken) for taken in self.taken.values()],
            "visits": [asdict(visit) for visit in self.visits],
        }


def restored(kept: Json) -> Partner:
    """A partner from its snapshot."""
    rest = {key: value for key, value in kept.items() if key not in {"taken", "visits"}}
    partner = Partner(**rest)
    for one in kept["taken"]:
        partner.take(one["change"], one["at"])
        partner.taken[one["change"]["id"]] = Taken(**one)
    partner.visits.extend(Visit(**one) for one in kept["visits"])
    return partner


def read_batch(data: object) -> tuple[str, list[Json]]:
    """The batch's id and its changes; raises NotABatch."""
    if not isinstance(data, dict) or set(data) != {"batch_id", "changes"}:
        raise NotABatch("batch_id and changes expected")
    changes = data["changes"]
    if not isinstance(data["batch_id"], str) or not isinstance(changes, list) or not changes:
        raise NotABatch("batch_id or changes are of a wrong kind")
    for change in changes:
        if not isinstance(change, dict) or set(change) != set(FIELDS):
            raise NotABatch("a change has other fields than agreed")
        for name, kind in FIELDS.items():
            if type(change[name]) is not kind:
                raise NotABatch(f"{name} is of a wrong kind")
    return data["batch_id"], changes
