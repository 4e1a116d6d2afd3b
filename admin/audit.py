"""The audit log: who changed what, and when. Nobody can change it, not even the operator."""

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from markupsafe import Markup, escape

from admin.audit_words import DEEDS, FIELDS, THINGS, WORDS
from admin.base import ListView, OperatorView, TenantView
from admin.menu import Group
from app.domain.people import Role
from app.models import AuditEvent

MAX_SHOWN = 3


def sentence(event: AuditEvent) -> str:
    """What was done to what: "Bot started: Tea house"."""
    kind, _, deed = event.action.partition(".")
    thing = str(THINGS.get(kind, kind))
    done = str(DEEDS.get(event.action) or DEEDS.get(deed, deed.replace("_", " ")))
    if not event.target_name:
        return str(gettext("%(thing)s %(done)s", thing=thing, done=done))
    return str(gettext("%(thing)s %(done)s: %(name)s", thing=thing, done=done, name=event.target_name))


def actor(event: AuditEvent) -> str:
    """Who it was, with a mark where an operator acted inside somebody's tenant."""
    name = gettext("The system") if event.actor_kind == "system" else event.actor_name
    return gettext("%(name)s (operator)", name=name) if event.as_operator else name


def _value(value: object, name: str = "") -> Markup:
    if value is None or value == "":
        return Markup('<span class="text-muted">—</span>')
    if isinstance(value, bool):
        return escape(gettext("Yes") if value else gettext("No"))
    return escape(str(WORDS.get(name, {}).get(str(value), value)))


def _change(name: str, value: object) -> Markup:
    if isinstance(value, list) and len(value) == 2:
        return Markup("{} → <b>{}</b>").format(_value(value[0], name), _value(value[1], name))
    return _value(value, name)


def short_changes(event: AuditEvent) -> Markup:
    """The first few changes on one line."""
    lines = [
        Markup("{}: {}").format(FIELDS.get(name, name), _change(name, value))
        for name, value in list(event.changes.items())[:MAX_SHOWN]
    ]
    more = len(event.changes) - MAX_SHOWN
    return Markup(", ").join(lines) + (f" +{more}" if more > 0 else "")


def all_changes(event: AuditEvent) -> Markup:
    """Every change, one below the other."""
    if not event.changes:
        return _value(None)
    rows = [
        Markup("<dt>{}</dt><dd>{}</dd>").format(FIELDS.get(name, name), _change(name, value))
        for name, value in event.changes.items()
    ]
    return Markup('<dl class="dl">{}</dl>').format(Markup("").join(rows))


class AuditLists(ListView):
    """What both logs share: nothing can be changed here, only read and exported."""

    icon = "history"
    role = Role.MANAGER
    lead = _l("Who changed what, and when. Nothing here can be changed or deleted.")
    empty_title = _l("No changes yet")
    empty_text = _l("Every change to bots, staff and settings will be listed here.")
    column_list: tuple[str, ...] = ("action", "actor_name", "changes", "ip", "happened_at")
    column_details_list = ("action", "actor_name", "changes", "ip", "happened_at", "target_kind", "target_id")
    column_export_list = (
        "happened_at",
        "actor_kind",
        "actor_name",
        "as_operator",
        "action",
        "target_kind",
        "target_id",
        "target_name",
        "changes",
        "ip",
    )
    column_labels = {  # noqa: RUF012
        "action": _l("What"),
        "actor_kind": _l("Kind of actor"),
        "actor_name": _l("Who"),
        "as_operator": _l("As operator"),
        "changes": _l("Changes"),
        "happened_at": _l("When"),
        "ip": _l("Address"),
        "target_id": _l("Number"),
        "target_kind": _l("Kind"),
        "target_name": _l("Name"),
        "tenant_id": _l("Tenant"),
    }
    column_default_sort = ("id", True)
    column_sortable_list = ("happened_at",)
    column_searchable_list = ("actor_name", "action", "target_name")
    column_filters: tuple[str, ...] = ("actor_name", "action", "happened_at", "as_operator")
    secondary_columns = ("ip", "changes")
    column_formatters = {  # noqa: RUF012
        "action": lambda _view, _context, event, _name: sentence(event),
        "actor_name": lambda _view, _context, event, _name: actor(event),
        "changes": lambda _view, _context, event, _name: short_changes(event),
    }
    column_formatters_detail = {  # noqa: RUF012
        **column_formatters,
        "changes": lambda _view, _context, event, _name: all_changes(event),
    }
    column_formatters_export: Any = {}  # noqa: RUF012

    def title_of(self, row: Any) -> str:
        """The head of the details page."""
        return sentence(row)


class AuditView(AuditLists, TenantView):
    """The log of the open tenant."""

    group = Group.SETTINGS
    order = 80


class PlatformAuditView(AuditLists, OperatorView):
    """The logs of all tenants, for the operator."""

    group = Group.PLATFORM
    order = 80
    column_list = ("action", "tenant_id", "actor_name", "changes", "ip", "happened_at")
    column_filters = ("tenant_id", *AuditLists.column_filters)


def views() -> list[Any]:
    """The views of this feature."""
    return [
        AuditView(AuditEvent, _l("Audit log"), endpoint="audit"),
        PlatformAuditView(AuditEvent, _l("Audit of all"), endpoint="platform_audit"),
    ]
