"""Records of draws for the verifiers' tests: whole random lotteries by `app/domain/draw.py`."""

import json
import random
from collections.abc import Iterator
from typing import Any

from app.domain import draw
from app.domain.lotteries import CloseReason
from tests import beacon

Record = dict[str, Any]
START = 1_790_000_000
OPEN_SECONDS = 3600
TITLES = ("Tea for three", "中秋抽奖 🎁", 'Quotes " and \\ and \u2028')


def make(seed: int, *, entrants: int | None = None, with_beacon: bool | None = None) -> Record:
    """A drawn lottery; the same for the same seed."""
    chance = random.Random(seed)
    secret = chance.randbytes(32)
    few = chance.choice((0, 1, 2, *[7, 30, 60] * 8, 1023, 1024, 1025, 2100))
    count = few if entrants is None else entrants
    record = _opened(chance, secret, count, chance.random() < 0.1 if with_beacon is None else with_beacon)
    _seal(record, chance, count)
    _order(record, chance, secret)
    _win(record)
    _redraw(record, chance)
    return record


def _opened(chance: random.Random, secret: bytes, count: int, with_beacon: bool) -> Record:
    reason = chance.choice(list(CloseReason) if count else [CloseReason.TIME, CloseReason.EARLY])
    rules = _rules(chance, count, reason is CloseReason.FULL)
    closes_at = START + OPEN_SECONDS
    chain = beacon.chain() if with_beacon else None
    parts = {name: getattr(chain, name) for name in chain.__slots__} if chain else None
    announced = chain.round_at(closes_at + draw.BEACON_WAIT) if chain else None
    record: Record = {
        "format": draw.FORMAT,
        "code": "TEA4DRAW",
        "title": chance.choice(TITLES),
        "state": "drawn",
        "rules": rules,
        "opens_at": None,
        "closes_at": closes_at,
        "close_reason": str(reason),
        "commitment": draw.commitment(secret),
        "seed": secret.hex(),
        "beacon": {"chain": parts, "announced_round": announced, "round": None, "signature": None}
        if chain
        else None,
        "events": [],
        "candidates": [],
        "winners": [],
    }
    names = ("code", "title", "rules", "opens_at", "closes_at", "commitment")
    body = {name: record[name] for name in names} | {"beacon": parts, "announced_round": announced}
    event(record, "opened", START, body)
    return record


def _rules(chance: random.Random, count: int, full: bool) -> Record:
    prizes = [
        {"name": f"prize {n}", "quantity": chance.randint(1, 3), "credits": chance.choice((None, 10))}
        for n in range(chance.randint(1, 3))
    ]
    return {
        "prizes": prizes,
        "conditions": [{"type": "channel", "chat": "@teahouse"}, {"type": "account_age", "days": 7}][
            : chance.randint(0, 2)
        ],
        "tickets": chance.choice(({"max": 1}, {"per_invite": 1, "max": 5})),
        "max_entries": count if full else chance.choice((None, 10_000)),
        "closes_when_full": full,
        "claim_hours": 48,
    }


def event(record: Record, kind: str, at: float, body: object) -> None:
    """Adds a link to the record's chain."""
    events = record["events"]
    previous = events[-1]["hash"] if events else draw.NO_HASH
    link = {
        "number": len(events) + 1,
        "kind": kind,
        "at": int(at * 1_000_000),
        "body": draw.canonical(body),
        "previous": previous,
    }
    hashed = draw.event_hash(previous, link["number"], kind, link["at"], link["body"])
    events.append(link | {"hash": hashed})


def _seal(record: Record, chance: random.Random, count: int) -> None:
    staff, most, salt = 0, record["rules"]["tickets"]["max"], chance.randbytes(32)
    checked = ";".join(f"{place}:1:{START}" for place in range(len(record["rules"]["conditions"])))
    lines, leaves = [], []
    for number in range(1, count + 1):
        by_staff = chance.random() < 0.05
        staff += by_staff
        line = [number, draw.reference(salt, 10_000 + number), chance.randint(1, most), draw.STAFF if by_staff else checked]  # fmt: skip
        lines.append(line)
        leaves.append(draw.leaf(*line))
    chunks = [draw.root_of(leaves[at : at + draw.CHUNK]) for at in range(0, count, draw.CHUNK)]
    if staff:
        event(record, "staff_added", START + 60, {"count": staff})
    closed_at = START + (OPEN_SECONDS if record["close_reason"] == "time" else 1800)
    event(record, "closed", closed_at, {"reason": record["close_reason"], "at": closed_at})
    sealed_at = closed_at + chance.choice((0.5, 2.0, 45.0))
    numbers = {
        "entries": count,
        "tickets": sum(line[2] for line in lines),
        "staff": staff,
        "root": draw.root_of(chunks).hex(),
    }
    if record["beacon"]:
        in_time = record["close_reason"] == "time"
        record["beacon"]["round"] = draw.round_after_sealing(
            beacon.chain(), record["beacon"]["announced_round"], sealed_at, in_time=in_time
        )
    event(record, "sealed", sealed_at + 0.2, numbers | {"round": (record["beacon"] or {}).get("round")})
    record |= {"entries_count": count, **numbers, "chunks": [one.hex() for one in chunks], "entries": lines}


def _order(record: Record, chance: random.Random, secret: bytes) -> None:
    signature = b""
    if record["beacon"]:
        record["beacon"]["signature"] = beacon.sign(record["beacon"]["round"])
        signature = bytes.fromhex(record["beacon"]["signature"])
    body = {"seed": secret.hex(), "round": None, "signature": None}
    if record["beacon"]:
        body |= {name: record["beacon"][name] for name in ("round", "signature")}
    event(record, "revealed", START + 4000, body)
    weights = [(line[0], line[2]) for line in record["entries"]]
    ranked = draw.best(weights, 60, seed=secret, root=bytes.fromhex(record["root"]), signature=signature)
    for rank, one in enumerate(ranked, 1):
        by_staff = record["entries"][one.number - 1][3] == draw.STAFF
        fails = bool(record["rules"]["conditions"]) and not by_staff and chance.random() < 0.3
        checks = ";".join(f"{place}:{int(not fails)}:{START + 4001}" for place in range(len(record["rules"]["conditions"])))  # fmt: skip
        if by_staff:
            checks = draw.STAFF
        record["candidates"].append([rank, one.number, "failed" if fails else "passed", checks])


def _prizes(record: Record) -> list[str]:
    return [prize["name"] for prize in record["rules"]["prizes"] for _ in range(prize["quantity"])]


def _win(record: Record) -> None:
    prizes, passed_over, won = _prizes(record), [], []
    for candidate in record["candidates"]:
        rank, number, state, checks = candidate
        if len(won) == len(prizes):
            candidate[2:] = ["waiting", ""]
        elif state == "failed":
            passed_over.append({"rank": rank, "number": number, "checks": checks})
        else:
            slot = len(won) + 1
            won.append({"slot": slot, "prize": prizes[slot - 1], "number": number, "rank": rank})
    event(record, "drawn", START + 4002, {"winners": won, "passed_over": passed_over})
    record["winners"] = [one | {"turn": 0, "state": "won", "reason": None} for one in won]


def _redraw(record: Record, chance: random.Random) -> None:
    prizes = _prizes(record)
    for turn in range(1, chance.randint(0, 2) + 1):
        if not record["winners"] or record["winners"][-1]["state"] == "replaced":
            return
        before = record["winners"][-1]
        before |= {"state": "replaced", "reason": "did not answer"}
        decided = [one[2] != "waiting" for one in record["candidates"]].count(True)
        found = {"rank": None, "number": None, "passed_over": []}
        for candidate in record["candidates"][decided:]:
            rank, number = candidate[:2]
            staff = record["entries"][number - 1][3] == draw.STAFF
            fails = bool(record["rules"]["conditions"]) and not staff and chance.random() < 0.3
            results = (
                f"{place}:{int(not fails)}:{START + 8000}"
                for place in range(len(record["rules"]["conditions"]))
            )
            checks = draw.STAFF if staff else ";".join(results)
            candidate[2:] = ["failed" if fails else "passed", checks]
            if not fails:
                found |= {"rank": rank, "number": number}
                break
            found["passed_over"].append({"rank": rank, "number": number, "checks": checks})
        if found["rank"] is None and len(record["candidates"]) < len(record["entries"]):
            return
        slot = {"slot": before["slot"], "turn": turn}
        event(record, "redrawn", START + 9000, slot | {"reason": "did not answer"} | found)
        if found["rank"]:
            own = {"prize": prizes[before["slot"] - 1], "state": "won", "reason": None}
            record["winners"].append(slot | own | {name: found[name] for name in ("number", "rank")})


def until(record: Record, kind: str) -> Record:
    """The record as it was before the event `kind`."""
    early: Record = json.loads(json.dumps(record))
    kinds = [one["kind"] for one in early["events"]]
    early["events"] = early["events"][: kinds.index(kind)]
    early |= {"state": "open" if kind == "closed" else "drawing", "winners": []}
    if kind == "closed":
        early |= {"close_reason": None}
    if kind in {"closed", "sealed"}:
        early |= {
            "entries": [],
            "chunks": [],
            "entries_count": None,
            "tickets": None,
            "staff": None,
            "root": None,
        }
        early["beacon"]["round"] = None
    if kind in {"closed", "sealed", "revealed"}:
        early |= {"seed": None, "candidates": []}
        early["beacon"]["signature"] = None
    return early


def honest() -> Record:
    """A record with everything that can be falsified: beacon, staff, weights, passed over, a redraw."""
    return next(record for record in _candidates() if _has_everything(record))


def _candidates() -> Iterator[Record]:
    for seed in range(10_000):
        yield make(seed, entrants=40, with_beacon=True)


def _has_everything(record: Record) -> bool:
    kinds = [one["kind"] for one in record["events"]]
    lines, candidates = record["entries"], record["candidates"]
    return (
        kinds.count("redrawn") == 1
        and record["rules"]["conditions"] != []
        and record["rules"]["tickets"]["max"] == 5
        and [line[3] == draw.STAFF for line in lines[:4]] == [False, True, False, False]
        and candidates[0][2] == "passed"
        and any(one[2] == "failed" for one in candidates[: record["winners"][0]["rank"] + 3])
        and record["close_reason"] == "time"
    )
