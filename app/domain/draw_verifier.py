"""Checks a draw of Laoban from its public record alone: `python draw_verifier.py record.json [zh|en]`.

Needs Python 3.10 or newer and nothing else, and shares no line with the program that drew. With the package `py_ecc`
installed it checks the public beacon's signature too; without, it says that it did not. The formulas are in
`docs/draws.md`. Exit code: 0 everything is right, 1 something differs, 2 the file could not be read.
"""

# ruff: noqa: FBT003 - py_ecc's parameter has several names
import hashlib
import heapq
import hmac
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

FORMAT = "laoban-draw/1"
CHUNK = 1024
MOST_TICKETS = 100
"""Of one entrant, whatever the rules say: a record that claims billions would be counted for days."""
WAIT = 60
WRITTEN_WITHIN = 5
"""Seconds between choosing the beacon's round and writing the event that says so, at most."""
PARTS = ["code", "title", "rules", "opens_at", "closes_at", "commitment"]
ONCE = ["opened", "closed", "sealed", "revealed", "drawn"]
QUICKNET = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
"""drand's public chain. Whoever has a chain of his own may know its values before, however genuine they are."""
HEX64 = re.compile(r"[0-9a-f]{64}")
SHOWN = {"later": "later", "unchecked": "unchecked", "strange_beacon": "unchecked"}
CURVES = ("optimized_bls12_381", "bls.hash_to_curve", "bls.point_compression")
"""Modules of py_ecc. They take half a second to load, so that is left for when a signature is checked."""
SIGNED_BY = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"

WORDS = {
    key: (english, chinese)
    for key, english, chinese in (
        line.split(" | ")
        for line in """\
ok.events | The log of events is unbroken ({events} events) | 事件记录完整无缺（共 {events} 条）
ok.rules | The rules are those that were published at the opening | 规则与抽奖开始时公布的一致
ok.list | The list has {entries} entrants with {tickets} tickets, {staff} of them added by staff | 名单共 {entries} 人、{tickets} 张抽奖券，其中人工添加 {staff} 人
ok.root | The list is the one that was sealed before the draw | 名单就是开奖前封存的那一份
ok.seed | The revealed seed is the one that was promised at the opening | 公布的种子与抽奖开始时的防作弊校验码吻合
ok.round | Round {round} of the public beacon decides, as the rules say | 按规则由第 {round} 轮公共随机数决定
ok.signature | The beacon's signature is genuine | 公共随机数的签名真实有效
ok.order | The order of the entrants comes out the same ({ranks} compared) | 重新算出的开奖顺序一致（比对了 {ranks} 位）
ok.conditions | Nobody was passed over without a reason ({failed} no longer met a condition) | 没有人被无故跳过（{failed} 人不再满足条件）
ok.winners | The {winners} winners are the first in that order | {winners} 位中奖者正是按开奖顺序最先符合条件的人
ok.redraws | {redraws} redraws, each went to the next in the order | 重新抽取 {redraws} 次，每次都按开奖顺序递补
later | Can be checked after {waits} | 要等{waits}后才能检查
seed_only | No public beacon was used: the seed alone decides | 没有使用公共随机数：仅由种子决定
strange_beacon | The beacon is NOT drand's public network quicknet: does somebody you trust run it? | 所用的公共随机数不是来自 drand 的 quicknet 网络：请确认提供方值得信任
unchecked | Beacon signature NOT checked here: compare round {round} at a drand relay | 这里没有检查公共随机数的签名：请到 drand 节点比对第 {round} 轮
cancelled | This lottery was cancelled; there is no draw | 本次抽奖已取消，没有开奖
waits.sealed | the sealing of the list | 名单封存
waits.revealed | the reveal of the seed | 种子公布
waits.drawn | the draw | 开奖
not.format | This is no record of a draw of ours, or of a newer kind | 这不是本系统的抽奖记录，或者来自更新的版本
not.shape | The record is damaged: something is missing or has the wrong form | 记录已损坏：缺少内容或格式不对
not.event_chain | Event {number} was changed, added or removed | 第 {number} 条事件被改动、添加或删除
not.event_order | Event {number} ({kind}) stands in the wrong place | 第 {number} 条事件（{kind}）的位置不对
not.event_missing | The event '{kind}' is missing | 缺少事件“{kind}”
not.rules | '{field}' differs from what was published | “{field}”与公布的不一致
not.entry_number | Line {line} of the list is out of order | 名单第 {line} 行的顺序不对
not.entry_weight | Line {line} of the list has an impossible number of tickets | 名单第 {line} 行的抽奖券数量不符合规则
not.entry_conditions | Line {line} of the list did not meet the conditions | 名单第 {line} 行不满足参与条件
not.entry_twice | Line {line} of the list is somebody who stands in it already | 名单第 {line} 行与前面某一行是同一个人
not.limit | The list has {found} entrants, the rules allow {most} | 名单有 {found} 人，规则最多允许 {most} 人
not.closing | It can't have been closed for the reason '{reason}' | 不可能是因“{reason}”而截止
not.entries_count | The list has {found} lines, sealed were {sealed} | 名单有 {found} 行，封存时是 {sealed} 行
not.tickets_count | There are {found} tickets, sealed were {sealed} | 共有 {found} 张抽奖券，封存时是 {sealed} 张
not.staff_count | {found} entrants are marked as added by staff, recorded were {sealed} | 标记为人工添加的有 {found} 人，记录里是 {sealed} 人
not.entries_changed | A line between {first} and {last} of the list was changed | 名单第 {first} 至 {last} 行中有内容被改动
not.root | The list's fingerprint is not the one that was sealed | 名单指纹与封存时公布的不一致
not.seed | The seed is not the one that was promised | 种子与防作弊校验码不符
not.beacon_chain | The beacon's description does not fit its name | 公共随机数的参数与其标识不符
not.announced_round | The announced round is not the first after the closing time | 预告的轮次不是截止时间之后的第一轮
not.round | Round {found} was used, the rules ask for {expected} | 使用了第 {found} 轮，按规则应为第 {expected} 轮
not.signature | The beacon's signature of round {round} is forged or changed | 第 {round} 轮公共随机数的签名是伪造的，或被改动过
not.order | Rank {rank} belongs to number {expected}, the record says {found} | 开奖顺序第 {rank} 位应为 {expected} 号，记录写的是 {found} 号
not.passed_over | Number {number} (rank {rank}) was passed over or let through without a reason | {number} 号（开奖顺序第 {rank} 位）被无故跳过或放行
not.winner | Prize {slot} went to the wrong entrant or is not as recorded | 第 {slot} 份奖品的中奖者不对，或与记录不符
not.redraw | The redraw of prize {slot} (turn {turn}) is not as the rules say | 第 {slot} 份奖品的第 {turn} 次重新抽取不符合规则
""".splitlines()
    )
}


@dataclass
class Mismatch(Exception):
    """The first thing that is not as it should be."""

    code: str
    params: dict[str, Any] = field(default_factory=dict)
    text: str = ""


@dataclass
class Verdict:
    """`steps` are (name, ok | later | unchecked, words), as far as the check came."""

    ok: bool = True
    steps: list[tuple[str, str, str]] = field(default_factory=list)
    mismatch: Mismatch | None = None


def verify(document: Any, locale: str = "en") -> Verdict:
    """Recomputes everything; stops at the first mismatch."""
    verdict = Verdict()
    lang = int(locale.startswith("zh"))
    try:
        for name, state, params in _steps(document):
            words = WORDS[f"ok.{name}" if state == "ok" else state][lang]
            waits = WORDS[f"waits.{params['waits']}"][lang] if state == "later" else ""
            shown = SHOWN.get(state, "ok")
            verdict.steps.append((name, shown, words.format(**{**params, "waits": waits})))
    except Mismatch as found:
        verdict.mismatch = found
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError):
        verdict.mismatch = Mismatch("shape")
    if verdict.mismatch:
        verdict.ok = False
        words = WORDS[f"not.{verdict.mismatch.code}"][lang]
        verdict.mismatch.text = words.format(**verdict.mismatch.params)
    return verdict


Step = tuple[str, str, dict[str, Any]]


def _steps(doc: dict[str, Any]) -> Iterator[Step]:
    _expect(isinstance(doc, dict) and doc.get("format") == FORMAT, "format")
    events = {kind: body for kind, _, body in _events(doc)}
    yield "events", "ok", {"events": len(doc["events"])}
    _rules(doc, events)
    yield "rules", "ok", {}
    if doc["state"] == "cancelled":
        yield "list", "cancelled", {}
        return
    parts = (("sealed", "list", _sealed), ("revealed", "seed", _revealed), ("drawn", "winners", _drawn))
    for needed, first, part in parts:
        if needed not in events:
            late = doc["state"] == "drawn" or (needed == "sealed" and (doc["root"] or doc["entries"]))
            _expect(not late and not (needed == "revealed" and doc["seed"]), "event_missing", kind=needed)
            yield first, "later", {"waits": needed}
            return
        yield from part(doc, events)


def _expect(right: object, code: str, **params: Any) -> None:
    if not right:
        raise Mismatch(code, params)


def _same(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _events(doc: dict[str, Any]) -> list[tuple[str, int, Any]]:
    previous, place, found = "0" * 64, -1, []
    for number, event in enumerate(doc["events"], 1):
        kind, at, body = event["kind"], event["at"], event["body"]
        link = hashlib.sha256(f"{previous}\n{number}\n{kind}\n{at}\n{body}".encode()).hexdigest()
        right = event["number"] == number and event["previous"] == previous and event["hash"] == link
        _expect(right, "event_chain", number=number)
        if kind in ONCE:
            _expect(ONCE.index(kind) == place + 1, "event_order", number=number, kind=kind)
            place += 1
        wrong = place < 0 or (kind == "staff_added" and place > 0) or (kind == "redrawn" and place < 4)
        _expect(not wrong, "event_order", number=number, kind=kind)
        previous = link
        found.append((kind, at, json.loads(body)))
    _expect(found, "event_missing", kind="opened")
    return found


def _all(doc: dict[str, Any], kind: str) -> list[Any]:
    return [json.loads(event["body"]) for event in doc["events"] if event["kind"] == kind]


def _rules(doc: dict[str, Any], events: dict[str, Any]) -> None:
    opened, beacon = events["opened"], doc["beacon"] or {}
    for name in PARTS:
        _expect(_same(doc[name], opened[name]), "rules", field=name)
    _expect(_same(beacon.get("chain"), opened["beacon"]), "rules", field="beacon")
    _expect(beacon.get("announced_round") == opened["announced_round"], "rules", field="announced_round")
    _expect(doc["close_reason"] is None or "closed" in events, "event_missing", kind="closed")
    closed = events.get("closed", {"reason": None})
    _expect(doc["close_reason"] == closed["reason"], "rules", field="close_reason")
    _expect(("cancelled" in events) == (doc["state"] == "cancelled"), "event_missing", kind="cancelled")


# --- the list and its seal
def _sealed(doc: dict[str, Any], events: dict[str, Any]) -> Iterator[Step]:
    sealed, lines = events["sealed"], doc["entries"]
    most = min(doc["rules"]["tickets"].get("max", 1), MOST_TICKETS)
    tickets = staff = 0
    seen = set[str]()
    for line, (number, reference, weight, conditions) in enumerate(lines, 1):
        _expect(number == line and HEX64.fullmatch(reference), "entry_number", line=line)
        _expect(reference not in seen, "entry_twice", line=line)
        seen.add(reference)
        _expect(isinstance(weight, int) and 1 <= weight <= most, "entry_weight", line=line)
        signs = [sign for _, sign, _ in _parts(conditions)] if conditions != "staff" else []
        met = conditions == "staff" or signs == ["1"] * len(doc["rules"]["conditions"])
        _expect(met, "entry_conditions", line=line)
        tickets += weight
        staff += conditions == "staff"
    added = sum(body["count"] for body in _all(doc, "staff_added"))
    for name, found in {"entries": len(lines), "tickets": tickets, "staff": staff}.items():
        told = doc["entries_count" if name == "entries" else name]
        shown = found if told == sealed[name] else told
        _expect(shown == found == sealed[name], f"{name}_count", found=shown, sealed=sealed[name])
    _expect(staff == added, "staff_count", found=staff, sealed=added)
    _closing(doc, events["closed"], len(lines))
    yield "list", "ok", {"entries": len(lines), "tickets": tickets, "staff": staff}
    leaves = [_sha(b"\x00" + f"{n}\n{ref}\n{w}\n{c}".encode()) for n, ref, w, c in lines]
    chunks = [_root(leaves[at : at + CHUNK]) for at in range(0, len(leaves), CHUNK)]
    root = _root(chunks).hex()
    if root != sealed["root"]:
        told = doc["chunks"] if len(doc["chunks"]) == len(chunks) else []
        if told and _root([bytes.fromhex(one) for one in told]).hex() == sealed["root"]:
            at = next(place for place, one in enumerate(chunks) if one.hex() != told[place]) * CHUNK
            raise Mismatch("entries_changed", {"first": at + 1, "last": min(at + CHUNK, len(leaves))})
    _expect(root == sealed["root"] == doc["root"], "root")
    yield "root", "ok", {}


def _closing(doc: dict[str, Any], closed: dict[str, Any], entries: int) -> None:
    """Whether it could be closed for that reason; a wrong one would let the operator choose his moment."""
    rules, reason = doc["rules"], closed["reason"]
    most = rules["max_entries"]
    _expect(most is None or entries <= most, "limit", found=entries, most=most)
    full = rules["closes_when_full"] and entries == most
    right = {"time": closed["at"] >= doc["closes_at"], "full": full, "early": True}.get(reason, False)
    _expect(right, "closing", reason=reason)


def _sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _root(level: list[bytes]) -> bytes:
    """RFC 6962's tree head: pairs, level by level; the odd one out goes up as it is."""
    if not level:
        return _sha(b"")
    while len(level) > 1:
        pairs = [_sha(b"\x01" + level[at] + level[at + 1]) for at in range(0, len(level) - 1, 2)]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    return level[0]


# --- seed, beacon, order
def _revealed(doc: dict[str, Any], events: dict[str, Any]) -> Iterator[Step]:
    revealed, beacon = events["revealed"], doc["beacon"]
    seed = bytes.fromhex(doc["seed"])
    _expect(_sha(seed).hex() == doc["commitment"] and doc["seed"] == revealed["seed"], "seed")
    yield "seed", "ok", {}
    if beacon is None:
        yield "round", "seed_only", {}
        signature = b""
    else:
        number = _round(doc, events)
        yield "round", "ok", {"round": number}
        if beacon["chain"]["hash"] != QUICKNET:
            yield "beacon", "strange_beacon", {}
        genuine = _genuine(beacon["chain"], number, beacon["signature"])
        right = genuine is not False and beacon["signature"] == revealed["signature"]
        _expect(right, "signature", round=number)
        yield "signature", "unchecked" if genuine is None else "ok", {"round": number}
        signature = bytes.fromhex(beacon["signature"])
    given = doc["candidates"]
    expected = _best(doc["entries"], len(given), seed, bytes.fromhex(doc["root"]) + signature)
    for place, (rank, number, _, _) in enumerate(given):
        should = expected[place] if place < len(expected) else 0
        right = rank == place + 1 and number == should
        _expect(right, "order", rank=place + 1, expected=should, found=number)
    yield "order", "ok", {"ranks": len(given)}


def _round(doc: dict[str, Any], events: dict[str, Any]) -> int:
    beacon, chain = doc["beacon"], doc["beacon"]["chain"]
    name = "" if chain["beacon_id"] in {"", "default"} else chain["beacon_id"]
    parts = chain["period"].to_bytes(4, "big") + chain["genesis"].to_bytes(8, "big")
    whole = parts + bytes.fromhex(chain["public_key"] + chain["group_hash"]) + name.encode()
    _expect(_sha(whole).hex() == chain["hash"], "beacon_chain")

    def first(moment: float) -> int:
        return max(1, -int((chain["genesis"] - moment) // chain["period"]) + 1)

    announced = beacon["announced_round"]
    _expect(announced == first(doc["closes_at"] + WAIT), "announced_round")
    written = next(event["at"] for event in doc["events"] if event["kind"] == "sealed") // 1_000_000
    published = chain["genesis"] + (announced - 1) * chain["period"]
    allowed = set()
    for sealed_at in range(written - WRITTEN_WITHIN, written + 2):
        in_time = doc["close_reason"] == "time" and sealed_at + WAIT / 2 <= published
        allowed.add(announced if in_time else first(sealed_at + WAIT))
    number: int = beacon["round"]
    same = events["sealed"]["round"] == number == events["revealed"]["round"]
    _expect(number in allowed and same, "round", expected=max(allowed), found=number)
    return number


def _genuine(chain: dict[str, Any], number: int, signature: str) -> bool | None:
    """Whether the chain's key signed the round; None without the package that can tell."""
    depth = sys.getrecursionlimit()
    try:
        curve, hashing, points = (import_module(f"py_ecc.{name}") for name in CURVES)
    except ImportError:
        return None
    finally:
        # The package lifts the limit of the whole process, and nested input would crash the interpreter.
        sys.setrecursionlimit(depth)
    key, point = bytes.fromhex(chain["public_key"]), bytes.fromhex(signature)
    try:
        public = points.decompress_G2((int.from_bytes(key[:48], "big"), int.from_bytes(key[48:], "big")))
        signed = points.decompress_G1(int.from_bytes(point, "big"))
    except ValueError:
        return False
    # A point outside the group can be added to a genuine signature: the operator could choose among many.
    if curve.is_inf(signed) or not curve.is_inf(curve.multiply(signed, curve.curve_order)):
        return False
    hashed = hashing.hash_to_G1(_sha(number.to_bytes(8, "big")), SIGNED_BY, hashlib.sha256)
    sides = curve.pairing(public, hashed, False) * curve.pairing(curve.G2, curve.neg(signed), False)
    return bool(len(point) == 48 and curve.final_exponentiate(sides) == curve.FQ12.one())


def _best(lines: list[Any], most: int, seed: bytes, prefix: bytes) -> list[int]:
    def ranked() -> Iterator[tuple[bytes, int]]:
        ticket = 0
        for number, _, weight, _ in lines:
            held = range(ticket + 1, ticket + weight + 1)
            yield min(hmac.digest(seed, prefix + one.to_bytes(8, "big"), "sha256") for one in held), number
            ticket += weight

    return [number for _, number in heapq.nsmallest(most, ranked())]


# --- winners
def _drawn(doc: dict[str, Any], events: dict[str, Any]) -> Iterator[Step]:
    won, again = events["drawn"]["winners"], _all(doc, "redrawn")
    prizes = [prize["name"] for prize in doc["rules"]["prizes"] for _ in range(prize["quantity"])]
    told = {one["rank"]: one["number"] for body in [events["drawn"], *again] for one in body["passed_over"]}
    last = max([one["rank"] or 0 for one in [*won, *again]] + list(told), default=0)
    passed = []
    for rank, number, state, checks in doc["candidates"][:last]:
        right = state == _verdict(doc, number, checks) and told.get(rank) == (
            number if state == "failed" else None
        )
        _expect(right, "passed_over", rank=rank, number=number)
        passed += [(rank, number)] if state == "passed" else []
    _expect(last <= len(doc["candidates"]), "order", rank=len(doc["candidates"]) + 1, expected="?", found="-")
    yield "conditions", "ok", {"failed": len(told)}
    everybody, slots = last == len(doc["entries"]), min(len(prizes), len(passed))
    enough = len(won) == slots and (slots == len(prizes) or everybody)
    _expect(enough, "winner", slot=min(slots, len(won)) + 1)
    holders = {(one["slot"], one["turn"]): one for one in doc["winners"]}
    for slot, (one, right) in enumerate(zip(won, passed, strict=False), 1):
        fits = one["slot"] == slot and (one["rank"], one["number"]) == right
        _expect(fits and _held(holders, one, 0, prizes), "winner", slot=slot)
    yield "winners", "ok", {"winners": slots}
    left = passed[slots:]
    for one in again:
        slot, turn = one["slot"], one["turn"]
        right = left.pop(0) if left else (None, None)
        fits = (one["rank"], one["number"]) == right and (one["rank"] or everybody) and one["reason"]
        held = one["rank"] is None or _held(holders, one, turn, prizes)
        _expect(fits and held and (slot, turn - 1) in holders, "redraw", slot=slot, turn=turn)
    for (slot, turn), one in holders.items():
        # One that was taken back a moment ago has no successor yet.
        _expect((slot, turn + 1) not in holders or one["state"] == "replaced", "winner", slot=slot)
    known = slots + sum(one["rank"] is not None for one in again)
    _expect(len(holders) == len(doc["winners"]) == known and not left, "winner", slot=slots)
    yield "redraws", "ok", {"redraws": len(again)}


def _parts(results: str) -> list[list[str]]:
    """[place, 1 or 0 or -, unix time] of each condition."""
    return [part.split(":") for part in results.split(";")] if results else []


def _verdict(doc: dict[str, Any], number: int, checks: str) -> str:
    """What the conditions that were asked again say; "-" counts where the log says that one was dropped."""
    if doc["entries"][number - 1][3] == "staff" or checks == "staff":
        return "passed" if checks == doc["entries"][number - 1][3] else "?"
    dropped = {str(body["place"]) for body in _all(doc, "condition_dropped")}
    parts = _parts(checks)
    if any(sign == "0" for _, sign, _ in parts):
        return "failed"
    met = all(sign == "1" or place in dropped for place, sign, _ in parts)
    return "passed" if met and len(parts) == len(doc["rules"]["conditions"]) else "?"


def _held(holders: dict[tuple[int, int], Any], won: dict[str, Any], turn: int, prizes: list[str]) -> bool:
    one = holders.get((won["slot"], turn), {"number": 0, "rank": 0})
    same = (one["number"], one["rank"]) == (won["number"], won["rank"])
    return bool(same and one["prize"] == prizes[won["slot"] - 1])


def main(arguments: list[str]) -> int:
    """Prints every step in words."""
    locale = arguments[1] if len(arguments) > 1 else "en"
    try:
        document = json.loads(Path(arguments[0]).read_bytes())
    except (IndexError, OSError, ValueError) as error:
        sys.stderr.write(f"usage: draw_verifier.py record.json [zh|en]\n{error}\n")
        return 2
    verdict = verify(document, locale)
    for _, state, words in verdict.steps:
        sys.stdout.write(f"{'✓' if state == 'ok' else '·'} {words}\n")
    if verdict.mismatch:
        sys.stdout.write(f"✗ {verdict.mismatch.text} [{verdict.mismatch.code}]\n")
    return 0 if verdict.ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
