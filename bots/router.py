"""How a conversation says what it answers to, and how all of them become one table."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from app.domain.bots import BotConfig
from bots.context import Context, Handler, MenuEntry, Table

Register = Callable[[Handler], Handler]


@dataclass
class Router:
    """What one conversation registers; the module has one and names it `router`."""

    commands: dict[str, Handler] = field(default_factory=dict)
    buttons: dict[str, Handler] = field(default_factory=dict)
    steps: dict[str, Handler] = field(default_factory=dict)
    payloads: dict[str, Handler] = field(default_factory=dict)
    menu: list[MenuEntry] = field(default_factory=list)
    others: dict[str, Handler] = field(default_factory=dict)

    def command(self, *names: str) -> Register:
        """Answers to `/name`."""
        return _into(self.commands, names)

    def button(self, name: str) -> Register:
        """Answers to buttons whose data was made by `keyboards.data(name, …)`."""
        return _into(self.buttons, [name])

    def step(self, name: str) -> Register:
        """Answers to the next message after `ctx.expect(name)`."""
        return _into(self.steps, [name])

    def start_link(self, prefix: str) -> Register:
        """Answers to `https://t.me/<bot>?start=<prefix>…`; the rest is `ctx.event.argument`."""
        return _into(self.payloads, [prefix])

    def menu_entry(
        self, order: int, text: str, data: str, shown: Callable[[BotConfig], bool] | None = None
    ) -> None:
        """Puts a button into the main menu; `text` is a key of MAIN_TEXTS, `shown` says for which bots it is there."""
        self.menu.append(MenuEntry(order, text, data, shown))

    def fallback(self, handler: Handler) -> Handler:
        """Answers to whatever nobody else answers to. One conversation has it."""
        return _into(self.others, ["fallback"])(handler)

    def member_changed(self, handler: Handler) -> Handler:
        """Hears that a person blocked or unblocked the bot. One conversation has it."""
        return _into(self.others, ["member_changed"])(handler)

    def checkout(self, handler: Handler) -> Handler:
        """Is asked before Telegram takes somebody's Stars. One conversation has it."""
        return _into(self.others, ["checkout"])(handler)

    def money_moved(self, handler: Handler) -> Handler:
        """Hears that Stars were paid or given back. One conversation has it."""
        return _into(self.others, ["money_moved"])(handler)


def _into(place: dict[str, Handler], names: Iterable[str]) -> Register:
    def register(handler: Handler) -> Handler:
        for name in names:
            if name in place:
                raise ValueError(f"{name!r} is registered twice")
            place[name] = handler
        return handler

    return register


def assemble(routers: Iterable[Router]) -> Table:
    """One table of all conversations. Raises ValueError when two of them claim the same."""
    routers = list(routers)

    def merged(pick: Callable[[Router], Mapping[str, Handler]]) -> dict[str, Handler]:
        whole: dict[str, Handler] = {}
        for router in routers:
            for name, handler in pick(router).items():
                _into(whole, [name])(handler)
        return whole

    others = merged(lambda router: router.others)
    entries = [entry for router in routers for entry in router.menu]
    return Table(
        commands=merged(lambda router: router.commands),
        buttons=merged(lambda router: router.buttons),
        steps=merged(lambda router: router.steps),
        payloads=merged(lambda router: router.payloads),
        menu=tuple(sorted(entries, key=lambda entry: entry.order)),
        fallback=others["fallback"],
        member_changed=others["member_changed"],
        checkout=others["checkout"],
        money_moved=others["money_moved"],
    )


__all__ = ["Context", "Router", "assemble"]
