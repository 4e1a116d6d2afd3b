"""Ways to falsify the record of a draw, for the verifiers' tests."""

import json
from collections.abc import Callable
from typing import Any

from app.domain import draw
from tests import beacon
from tests.draws import OPEN_SECONDS, START, Record, event


def chain_anew(record: Record) -> None:
    """Makes the chain whole again after an event was changed, as a forger would."""
    events, record["events"] = record["events"], []
    for one in events:
        event(record, one["kind"], one["at"] / 1_000_000, json.loads(one["body"]))


def with_event(kind: str, **changed: object) -> Callable[[Record], None]:
    """Changes an event's body and hashes the chain anew."""

    def change(record: Record) -> None:
        for one in record["events"]:
            if one["kind"] == kind:
                one["body"] = draw.canonical(json.loads(one["body"]) | changed)
        chain_anew(record)

    return change


def _set(*path: Any, to: object) -> Callable[[Record], None]:
    def change(record: Record) -> None:
        place: Any = record
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to(place[path[-1]]) if callable(to) else to

    return change


def _endless(record: Record) -> None:
    record["rules"]["tickets"] = {"per_invite": 1, "max": 10**15}
    record["entries"][7][2] = 10**15
    with_event("opened", rules=record["rules"])(record)


def _swap(record: Record) -> None:
    one, two = record["entries"][3], record["entries"][4]
    one[1:], two[1:] = two[1:], one[1:]


def _move(record: Record) -> None:
    record["entries"][3], record["entries"][4] = record["entries"][4], record["entries"][3]


def _swap_candidates(record: Record) -> None:
    one, two = record["candidates"][0], record["candidates"][1]
    one[1], two[1] = two[1], one[1]


def _blur(record: Record) -> None:
    blurred = beacon.blurred(record["beacon"]["round"])
    record["beacon"]["signature"] = blurred
    with_event("revealed", signature=blurred)(record)


def _forget(kind: str) -> Callable[[Record], None]:
    def change(record: Record) -> None:
        record["events"] = [one for one in record["events"] if one["kind"] != kind]
        chain_anew(record)

    return change


def _other_winner(record: Record) -> None:
    record["winners"][0] |= {"number": 9, "rank": 9}


def _pass_over(record: Record) -> None:
    record["candidates"][0][2:] = ["failed", record["candidates"][0][3]]


def _twice(record: Record) -> None:
    record["entries"][7][1] = record["entries"][3][1]


def _rule(**changed: object) -> Callable[[Record], None]:
    def change(record: Record) -> None:
        record["rules"] |= changed
        with_event("opened", rules=record["rules"])(record)

    return change


def _reason(reason: str, **changed: object) -> Callable[[Record], None]:
    def change(record: Record) -> None:
        record["close_reason"] = reason
        with_event("closed", reason=reason, **changed)(record)

    return change


FORGERIES: dict[str, tuple[str, Callable[[Record], Any]]] = {
    "another format": ("format", _set("format", to="laoban-draw/2")),
    "no list": ("shape", lambda record: record.pop("entries")),
    "a line that is no line": ("shape", _set("entries", 5, to="nobody")),
    "no order": ("shape", _set("candidates", to=None)),
    "event changed": ("event_chain", _set("events", 1, "body", to=lambda body: body + " ")),
    "event moment changed": ("event_chain", _set("events", 0, "at", to=lambda at: at + 1)),
    "event taken out": ("event_chain", lambda record: record["events"].pop(1)),
    "event taken out and chained anew": ("event_order", _forget("closed")),
    "events cut off": ("event_missing", lambda record: record["events"].__delitem__(slice(2, None))),
    "title changed": ("rules", _set("title", to="Another")),
    "prize added": ("rules", lambda record: record["rules"]["prizes"].append({"name": "car", "quantity": 1, "credits": None})),
    "closing time changed": ("rules", _set("closes_at", to=lambda at: at + 1)),
    "condition dropped": ("rules", _set("rules", "conditions", to=[{"type": "credits", "amount": 5}])),
    "close reason changed": ("rules", _set("close_reason", to="because")),
    "another commitment": ("rules", _set("commitment", to="00" * 32)),
    "entrant changed": ("entries_changed", _set("entries", 7, 1, to="ab" * 32)),
    "entrants swapped": ("entries_changed", _swap),
    "lines moved": ("entry_number", _move),
    "line renumbered": ("entry_number", _set("entries", 7, 0, to=99)),
    "line taken out": ("entries_count", lambda record: record["entries"].pop()),
    "line added": ("entries_count", lambda record: record["entries"].append([len(record["entries"]) + 1, "cd" * 32, 1, record["entries"][0][3]])),
    "count changed": ("entries_count", _set("entries_count", to=3)),
    "weight changed": ("tickets_count", _set("entries", 7, 2, to=lambda weight: weight % 5 + 1)),
    "weight impossible": ("entry_weight", _set("entries", 7, 2, to=6)),
    "weight that takes days to count": ("entry_weight", _endless),
    "weight nothing": ("entry_weight", _set("entries", 7, 2, to=0)),
    "condition result changed": ("entries_changed", _set("entries", 0, 3, to=lambda was: was.replace(str(START), str(START + 1)))),
    "condition not met": ("entry_conditions", _set("entries", 0, 3, to=f"0:0:{START}")),
    "staff hidden": ("staff_count", lambda record: record["entries"][1].__setitem__(3, record["entries"][0][3])),
    "staff more than told": ("staff_count", with_event("staff_added", count=9)),
    "somebody there twice": ("entry_twice", _twice),
    "more than the rules allow": ("limit", _rule(max_entries=39)),
    "closed before its time": ("closing", _reason("time", at=START + OPEN_SECONDS - 1)),
    "closed as full and was not": ("closing", _reason("full")),
    "closed for no reason of ours": ("closing", _reason("toString")),
    "root changed": ("root", _set("root", to="11" * 32)),
    "root and event changed": ("root", lambda record: (with_event("sealed", root="11" * 32)(record), record.update(root="11" * 32))),
    "seed changed": ("seed", _set("seed", to="22" * 32)),
    "chain changed": ("rules", _set("beacon", "chain", "period", to=30)),
    "announced round changed": ("rules", _set("beacon", "announced_round", to=1)),
    "announced in another way": ("announced_round", lambda record: (with_event("opened", announced_round=7)(record), record["beacon"].update(announced_round=7))),
    "round changed": ("round", _set("beacon", "round", to=lambda was: was + 1)),
    "round chosen": ("round", lambda record: (with_event("sealed", round=5)(record), with_event("revealed", round=5)(record), record["beacon"].update(round=5))),
    "signature changed": ("signature", lambda record: record["beacon"].update(signature=beacon.sign(1))),
    "signature blurred": ("signature", _blur),
    "order changed": ("order", _swap_candidates),
    "rank missing": ("order", lambda record: record["candidates"].pop(0)),
    "rank of nobody": ("order", _set("candidates", 2, 1, to=77_777)),
    "passed over for nothing": ("passed_over", _pass_over),
    "let through": ("passed_over", _set("candidates", 0, to=lambda was: [was[0], was[1], "passed", "0:0:1"])),
    "passed over untold": ("passed_over", _set("candidates", 0, to=lambda was: [was[0], was[1], "failed", "0:0:1"])),
    "winner changed": ("winner", _other_winner),
    "winner taken out": ("winner", lambda record: record["winners"].pop(0)),
    "winner's prize changed": ("winner", _set("winners", 0, "prize", to="car")),
    "winner added": ("winner", lambda record: record["winners"].append({"slot": 99, "turn": 0, "number": 1, "rank": 1, "prize": "car", "state": "won", "reason": None})),
    "redraw without reason": ("redraw", with_event("redrawn", reason="")),
    "redraw of another": ("redraw", with_event("redrawn", number=3)),
    "redraw untold": ("winner", _forget("redrawn")),
}  # fmt: skip
"""How to falsify `draws.honest()`: what both verifiers must call it, and the deed."""
