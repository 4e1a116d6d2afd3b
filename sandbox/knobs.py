"""How a service misbehaves on order: one set of switches for everybody, and others for single accounts or keys."""

from collections import Counter
from dataclasses import asdict, fields, is_dataclass, replace
from typing import Any, Generic, TypeVar, cast

from sandbox.shapes import Json

EVERYBODY = "*"
T = TypeVar("T")


class NoSuchKnob(ValueError):
    """The name or the value of a switch is wrong; the text says which."""


class Knobs(Generic[T]):
    """Switches of one service. `kind` is a dataclass of plain values; its docstring says what they do.

    `words` are the values that a switch may have, where not every one will do.
    """

    def __init__(self, kind: type[T], words: dict[str, frozenset[str]]) -> None:
        self._kind = kind
        self._words = words
        self._set: dict[str, T] = {EVERYBODY: kind()}
        self._used: Counter[str] = Counter()

    def find(self, who: str) -> T:
        """The switches that count for this account or key."""
        return self._set.get(who) or self._set[EVERYBODY]

    def use(self, who: str) -> T:
        """As find, for one request: switches with `times` above 0 work for so many requests only."""
        place = who if who in self._set else EVERYBODY
        times = getattr(self._set[place], "times", 0)
        self._used[place] += 1
        return self._kind() if times and self._used[place] > times else self._set[place]

    def turn(self, who: str, values: Json) -> T:
        """Change some switches, for everybody or for one; raises NoSuchKnob.

        Switches of one start from those of everybody; later changes for everybody don't reach them any more.
        """
        before = self.find(who)
        assert is_dataclass(before)
        assert not isinstance(before, type)
        kinds = {field.name: type(getattr(self._kind(), field.name)) for field in fields(before)}
        wanted = {name: self._value(name, kinds, value) for name, value in values.items()}
        self._set[who] = cast("T", replace(before, **wanted))
        self._used[who] = 0
        return self._set[who]

    def clear(self) -> None:
        """Everybody is treated well again."""
        self._set = {EVERYBODY: self._kind()}
        self._used.clear()

    def as_json(self) -> Json:
        """All switches by account or key."""
        return {who: asdict(cast(Any, one)) for who, one in self._set.items()}

    def _value(self, name: str, kinds: dict[str, type], value: object) -> object:
        kind = kinds.get(name)
        if kind is None:
            raise NoSuchKnob(f"{name}_unknown")
        if kind is float and isinstance(value, int):
            value = float(value)
        if not isinstance(value, kind) or (name in self._words and value not in self._words[name]):
            raise NoSuchKnob(f"{name}_invalid")
        return value
