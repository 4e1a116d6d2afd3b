"""Credits as their owner sees them in the bot: what he has, what is held, and what it is made of."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from app.core import clock
from app.core.i18n import N_
from app.domain.credit_transfers import NO_NOTE
from app.domain.credits import ADMIN, LOTTERY, MAX_REASON, MIGRATION, ORDER, OWN_SOURCES, TRANSFER, Standing
from app.domain.members import clean_name
from app.models import CreditHold
from app.services import credit_clients
from app.services.credits import statement
from app.services.credits.statement import Line
from bots.context import Context
from bots.keyboards import Button, data
from bots.remembered import for_a_minute

SOMEBODY: Final = N_("somebody")
_MOST_HOLDS: Final = 5
_LONGEST: Final = 80
_EVENTS: Final[Mapping[tuple[str, str], str]] = {
    (LOTTERY, "join"): N_("joining the lottery"),
    (LOTTERY, "ticket"): N_("more tickets"),
    (LOTTERY, "prize"): N_("lottery prize"),
    (LOTTERY, "return"): N_("given back, the lottery was cancelled"),
    (ORDER, ""): N_("bought in the shop"),
    (ORDER, "back"): N_("taken back, the order was refunded"),
    (ORDER, "dispute"): N_("taken back, the payment was disputed"),
    (ADMIN, ""): N_("by the shop"),
    (MIGRATION, ""): N_("brought along from before"),
}
"""What our own postings are about, by their source and the third part of their reference."""
is_used = for_a_minute(statement.is_used)
"""Whether the menu shows credits."""


def button(ctx: Context) -> Button:
    """The way to the page. No transaction may be open."""
    return Button(ctx.main_text("menu_points"), data(statement.OPEN))


def number(amount: int) -> str:
    """How many, with a comma at each thousand."""
    return f"{amount:,}"


def names_of(tenant_id: int, sources: Iterable[str]) -> dict[str, str]:
    """The names of the partner projects among these sources."""
    foreign = set(sources) - OWN_SOURCES
    if not foreign:
        return {}
    return {one.source: one.name for one in credit_clients.list_clients(tenant_id) if one.source in foreign}


def balance(ctx: Context, standing: Standing, holds: Sequence[CreditHold], names: Mapping[str, str]) -> str:
    """What he has, and what of it is put aside for what."""
    lines = [ctx.t(N_("Balance: %(balance)s credits"), balance=number(standing.balance))]
    if standing.held:
        held = N_("🔒 Held: %(held)s, free to use: %(free)s")
        lines.append(ctx.t(held, held=number(standing.held), free=number(standing.available)))
    lines += ["• " + " · ".join(_hold(ctx, one, names)) for one in holds[:_MOST_HOLDS]]
    if len(holds) > _MOST_HOLDS:
        lines.append(ctx.t(N_("… and %(count)s more"), count=len(holds) - _MOST_HOLDS))
    return "\n".join(lines)


def _hold(ctx: Context, hold: CreditHold, names: Mapping[str, str]) -> list[str]:
    told = [number(hold.amount), _cut(hold.reason)]
    if hold.source == ORDER:
        return [*told, ctx.t(N_("while the payment is disputed"))]
    ends = ctx.t(N_("until %(time)s at the latest"), time=ctx.place.short_time(hold.expires_at))
    return [*told, names.get(hold.source, hold.source), ends]


def history(ctx: Context, lines: Iterable[Line], names: Mapping[str, str]) -> list[str]:
    """Postings as a reader of lists sees them, one text each."""
    return [_line(ctx, line, names) for line in lines]


def _line(ctx: Context, line: Line, names: Mapping[str, str]) -> str:
    head = f"{_when(ctx, line.at)}  {line.amount:+,}"
    return f"{head}\n   {_transfer(ctx, line) if line.source == TRANSFER else _told(ctx, line, names)}"


def _told(ctx: Context, line: Line, names: Mapping[str, str]) -> str:
    parts = [*line.reference.split(":"), "", "", ""]
    ours = _EVENTS.get((line.source, parts[2])) or _EVENTS.get((line.source, ""))
    return f"{_cut(line.reason)} · {ctx.t(ours) if ours else names.get(line.source, line.source)}"


def _transfer(ctx: Context, line: Line) -> str:
    to_whom = N_("Transfer to %(name)s") if line.amount < 0 else N_("Transfer from %(name)s")
    told = ctx.t(to_whom, name=line.other or ctx.t(SOMEBODY))
    return told if line.reason == NO_NOTE else f"{told} · “{_cut(line.reason)}”"


def _when(ctx: Context, moment: datetime) -> str:
    """The hour in lists of this year, the day in older ones."""
    day = ctx.place.day(moment)
    return ctx.place.short_time(moment) if day[:4] == ctx.place.day(clock.now())[:4] else day


def _cut(words: str) -> str:
    """On one line, and without signs that would turn round what stands beside it: partners may send any."""
    line = clean_name(" ".join(words.split()), longest=MAX_REASON)
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
