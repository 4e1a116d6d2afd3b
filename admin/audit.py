"""The audit log: who changed what, and when. Nobody can change it, not even the operator."""

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from markupsafe import Markup, escape

from admin.base import ListView, OperatorView, TenantView
from admin.bot_parts import REPAIRS
from admin.menu import Group
from app.domain.bot_health import Repair
from app.domain.bot_texts import MAIN_TEXTS
from app.domain.broadcasts import HALTS, Halt
from app.domain.people import Role
from app.domain.plans import Plan
from app.models import AuditEvent

THINGS = {
    "api_key": _l("API key"),
    "bot": _l("Bot"),
    "broadcast": _l("Broadcast"),
    "credits": _l("Credits"),
    "dead_letters": _l("Messages set aside"),
    "domain": _l("Domain"),
    "lottery": _l("Lottery"),
    "lottery_template": _l("Lottery template"),
    "member": _l("Member"),
    "members": _l("Members"),
    "operator": _l("Operator"),
    "promoter": _l("Promoter"),
    "promoting": _l("Promoting"),
    "staff": _l("Staff member"),
    "tenant": _l("Business"),
    "withdrawal": _l("Withdrawal"),
}
DEEDS = {
    "added": _l("added"),
    "broadcast.cancelled": _l("cancelled"),
    "broadcast.exported": _l("results exported"),
    "broadcast.halted": _l("paused by itself"),
    "broadcast.paused": _l("paused"),
    "broadcast.resumed": _l("goes on"),
    "broadcast.scheduled": _l("scheduled"),
    "broadcast.sent_again": _l("sent again to whom it was unclear"),
    "broadcast.started": _l("sending began"),
    "broadcast.tested": _l("sent to oneself as a test"),
    "broadcast.unscheduled": _l("taken back to draft"),
    "button_added": _l("menu button added"),
    "button_changed": _l("menu button changed"),
    "button_moved": _l("menu button moved"),
    "button_removed": _l("menu button removed"),
    "changed": _l("changed"),
    "create": _l("created"),
    "created": _l("created"),
    "delete": _l("deleted"),
    "discarded": _l("let go"),
    "erased": _l("erased"),
    "exported": _l("exported"),
    "fell_back_to_polling": _l("went back to polling"),
    "given": _l("given"),
    "invitation_revoked": _l("invitation withdrawn"),
    "invited": _l("invited"),
    "joined": _l("joined"),
    "language_changed": _l("language changed"),
    "left": _l("left the pages of this business"),
    "lottery.cancelled": _l("cancelled"),
    "lottery.closed": _l("closed"),
    "lottery.condition_dropped": _l("drawn without a condition"),
    "lottery.exported": _l("entrants or winners exported"),
    "lottery.hand_over_undone": _l("prize not handed over after all"),
    "lottery.handed_over": _l("prize handed over"),
    "lottery.opened": _l("published"),
    "lottery.redrawn": _l("prize drawn again"),
    "lottery.scheduled": _l("published for later"),
    "lottery.staff_added": _l("entrants added by hand"),
    "lottery.unscheduled": _l("taken back to draft"),
    "lottery_template.paused": _l("paused"),
    "lottery_template.repeats": _l("repetition set"),
    "lottery_template.resumed": _l("goes on"),
    "lottery_template.stopped": _l("stopped by an error"),
    "mode_changed": _l("way in changed"),
    "opened": _l("opened the pages of this business"),
    "promoter.adjusted": _l("balance adjusted"),
    "promoter.exported": _l("list exported"),
    "promoter.paused": _l("paused"),
    "promoter.resumed": _l("promotes again"),
    "removed": _l("removed"),
    "repaired": _l("repaired"),
    "replayed": _l("tried again"),
    "resumed": _l("opened again"),
    "revoked": _l("revoked"),
    "role_changed": _l("role changed"),
    "secret_renewed": _l("webhook secret renewed"),
    "started": _l("started"),
    "stopped": _l("stopped"),
    "suspended": _l("suspended"),
    "taken": _l("taken"),
    "telegram_linked": _l("Telegram linked"),
    "telegram_unlinked": _l("Telegram unlinked"),
    "text_changed": _l("text changed"),
    "text_reset": _l("default text brought back"),
    "token_replaced": _l("token replaced"),
    "update": _l("changed"),
    "verified": _l("verified"),
    "withdrawal.approved": _l("approved"),
    "withdrawal.exported": _l("list exported"),
    "withdrawal.paid": _l("paid out"),
    "withdrawal.refused": _l("refused"),
}
FIELDS = {
    "balance": _l("Balance"),
    "bot_id": _l("Bot"),
    "claim_hours": _l("Hours to claim"),
    "closes_at": _l("Closes at"),
    "closes_when_full": _l("Draw as soon as all places are taken"),
    "commitment": _l("Draw commitment"),
    "conditions": _l("Who may join"),
    "description": _l("Description"),
    "max_entries": _l("Most entrants"),
    "minutes": _l("Minutes open"),
    "opens_at": _l("Opens at"),
    "posting": _l("Number of the posting"),
    "postings": _l("Credit postings"),
    "picture_id": _l("Picture"),
    "prizes": _l("Prizes"),
    "publish_to": _l("Publish to"),
    "reason": _l("Reason"),
    "repeat": _l("Repeat"),
    "slot": _l("Number of the prize"),
    "tickets": _l("Tickets"),
    "title": _l("Title"),
    "action": _l("What was done"),
    "amount": _l("Amount"),
    "body": _l("Wording"),
    "count": _l("How many"),
    "email": _l("E-mail"),
    "enabled": _l("Switched on"),
    "host": _l("Domain"),
    "label": _l("Label"),
    "least_withdrawal": _l("Smallest withdrawal"),
    "locale": _l("Language"),
    "mode": _l("Way in"),
    "name": _l("Name"),
    "plan": _l("Plan"),
    "role": _l("Role"),
    "scheduled_at": _l("Begins at"),
    "shown": _l("Key"),
    "slug": _l("Short address"),
    "sum": _l("Sum"),
    "terms": _l("Terms"),
    "text": _l("Text"),
    "timezone": _l("Time zone"),
    "token": "Token",
    "username": _l("User name"),
    "window_days": _l("Days that a binding lasts"),
}
WORDS: dict[str, dict[str, Any]] = {
    "action": {
        **{repair.value: label for repair, (label, _icon, _question) in REPAIRS.items()},
        Repair.NEW_TOKEN.value: _l("Paste a new token"),
    },
    "locale": {"en": "English", "zh_Hans_CN": "简体中文"},
    "mode": {"polling": _l("Polling"), "webhook": "Webhook"},
    "plan": {plan.value: plan.value.capitalize() for plan in Plan},
    "reason": {halt.value: _l(words) for halt, words in HALTS.items() if halt is not Halt.REFUSED},
    "role": {
        "manager": _l("Manager"),
        "owner": _l("Owner"),
        "read_only": _l("Read only"),
        "support": _l("Support"),
    },
    "text": {main.key: _l(main.title) for main in MAIN_TEXTS.values()},
}
"""What stands for the values of fields that hold names of ours."""
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
