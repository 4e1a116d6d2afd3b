"""What an entrant can prove: his line of the sealed list, and the way from it up to the public root."""

from dataclasses import dataclass

from sqlalchemy import select

from app.core.db import db
from app.core.errors import Conflict, NotFound
from app.core.i18n import N_
from app.domain import draw
from app.models import Lottery, LotteryChunk, LotteryDraw, LotteryEntry


class NotSealed(Conflict):
    code = "not_sealed"
    message = N_("The list of this lottery is not sealed yet. Ask again when it has closed.")


@dataclass(frozen=True, slots=True)
class Receipt:
    """A line of the list and its proof. Hashes are hex; `path` are the neighbours ("left" or "right", hash) upwards."""

    number: int
    ref: str
    weight: int
    conditions: str
    leaf: str
    path: tuple[tuple[str, str], ...]
    root: str


def receipt(lottery_id: int, telegram_id: int) -> Receipt:
    """The receipt of an entrant. Raises NotFound for anybody else, NotSealed before the list is closed.

    Reads one chunk of the list and the roots of the others, however long the list is.
    """
    mine = db.session.execute(
        select(LotteryEntry.id, Lottery.salt, LotteryDraw.root)
        .join(Lottery, Lottery.id == LotteryEntry.lottery_id)
        .outerjoin(LotteryDraw, LotteryDraw.lottery_id == LotteryEntry.lottery_id)
        .where(LotteryEntry.lottery_id == lottery_id, LotteryEntry.telegram_id == telegram_id)
    ).first()
    if mine is None:
        raise NotFound
    entry_id, salt, root = mine
    if root is None:
        raise NotSealed
    chunks = db.session.execute(
        select(LotteryChunk.first_id, LotteryChunk.root)
        .where(LotteryChunk.lottery_id == lottery_id)
        .order_by(LotteryChunk.number)
    ).all()
    chunk = sum(first_id <= entry_id for first_id, _ in chunks) - 1
    lines = _lines(lottery_id, chunks[chunk].first_id, chunk, bytes.fromhex(salt))
    place = next(place for place, (key, _) in enumerate(lines) if key == entry_id)
    leaves = [draw.leaf(*line) for _, line in lines]
    steps = [*draw.path(leaves, place), *draw.path([one for _, one in chunks], chunk)]
    path = tuple((side, neighbour.hex()) for side, neighbour in steps)
    return Receipt(*lines[place][1], leaf=leaves[place].hex(), path=path, root=root)


def _lines(
    lottery_id: int, first_id: int, chunk: int, salt: bytes
) -> list[tuple[int, tuple[int, str, int, str]]]:
    """A chunk's lines: the entry's id, and number, reference, weight, conditions."""
    rows = db.session.execute(
        select(
            LotteryEntry.id,
            LotteryEntry.telegram_id,
            LotteryEntry.weight,
            LotteryEntry.conditions,
            LotteryEntry.ref,
        )
        .where(LotteryEntry.lottery_id == lottery_id, LotteryEntry.id >= first_id)
        .order_by(LotteryEntry.id)
        .limit(draw.CHUNK)
    )
    return [
        (key, (number, kept or draw.reference(salt, telegram_id), weight, results))
        for number, (key, telegram_id, weight, results, kept) in enumerate(rows, start=chunk * draw.CHUNK + 1)
    ]
