"""The menu: groups, and only what the viewer may open."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from flask import current_app, g
from flask_babel import lazy_gettext as _l

from app.domain.people import Viewer


class Group(StrEnum):
    """Groups of the menu, in their order."""

    MAIN = "main"
    BUSINESS = "business"
    GROWTH = "growth"
    MONEY = "money"
    SETTINGS = "settings"
    PLATFORM = "platform"


TITLES = {
    Group.MAIN: "",
    Group.BUSINESS: _l("Sales"),
    Group.GROWTH: _l("Promotion"),
    Group.MONEY: _l("Points and money"),
    Group.SETTINGS: _l("Settings"),
    Group.PLATFORM: _l("Platform"),
}
PHONE_TABS = 4


@dataclass(frozen=True)
class Item:
    """One line of the menu."""

    name: str
    url: str
    icon: str
    active: bool
    phone_tab: bool
    order: int
    count: int = 0
    """How many things wait there."""


@dataclass
class Shell:
    """What the frame around a page needs."""

    viewer: Viewer | None
    groups: list[tuple[str, list[Item]]] = field(default_factory=list)

    @property
    def tabs(self) -> list[Item]:
        """The lines that phones show at the bottom."""
        return [item for _, items in self.groups for item in items if item.phone_tab][:PHONE_TABS]


def shell(current: Any = None) -> Shell:
    """The frame for this viewer; `current` is the view whose line is marked."""
    frame = Shell(g.get("viewer"))
    by_group: dict[Group, list[Item]] = {}
    for view in current_app.extensions["laoban_views"]:
        if view.is_visible() and view.is_accessible():
            by_group.setdefault(view.group, []).append(_item(view, current))
    for group in Group:
        items = sorted(by_group.get(group, []), key=lambda item: item.order)
        if items:
            frame.groups.append((str(TITLES[group]), items))
    return frame


def _item(view: Any, current: Any) -> Item:
    return Item(
        name=str(view.name),
        url=view.get_url(f"{view.endpoint}.{view._default_view}"),  # noqa: SLF001 - the library has no other way
        icon=view.icon,
        active=view is current or view.endpoint == getattr(current, "menu_of", None),
        phone_tab=view.phone_tab,
        order=view.order,
        count=view.menu_count(),
    )
