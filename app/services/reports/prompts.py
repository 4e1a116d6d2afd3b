"""The prompts that a tenant's boss rewrote."""

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from app.core import clock
from app.core.db import db
from app.core.errors import BadInput
from app.core.i18n import LOCALES
from app.domain.report_prompts import KEYS, Prompt, check_prompt, default
from app.models import ReportPrompt
from app.services import audit


def load(tenant_id: int, locale: str) -> dict[str, str]:
    """Every prompt by its key: the boss's where he wrote one, ours otherwise."""
    return {prompt.key: prompt.body for prompt in list_prompts(tenant_id, locale)}


def list_prompts(tenant_id: int, locale: str) -> list[Prompt]:
    """Every prompt in order, for a page. Raises BadInput for a language that there is not."""
    _check_locale(locale)
    rows = db.session.execute(
        select(ReportPrompt.key, ReportPrompt.body).where(
            ReportPrompt.tenant_id == tenant_id, ReportPrompt.locale == locale
        )
    )
    own = {key: body for key, body in rows}  # noqa: C416 - a Row is no pair to the type checker
    return [Prompt(key, own.get(key) or default(key, locale), key in own) for key in KEYS]


def save(tenant_id: int, key: str, locale: str, body: str) -> None:
    """Keeps the boss's prompt; an empty one, or ours word for word, brings ours back. Raises BadInput."""
    _check_locale(locale)
    body = check_prompt(key, body)
    if not body or body == default(key, locale):
        reset(tenant_id, key, locale)
        return
    values = {"body": body, "changed_at": clock.now()}
    changed = db.session.execute(
        insert(ReportPrompt)
        .values(tenant_id=tenant_id, key=key, locale=locale, **values)
        .on_conflict_do_update(
            index_elements=["tenant_id", "key", "locale"], set_=values, where=ReportPrompt.body != body
        )
        .returning(ReportPrompt.key)
    ).first()
    if changed is not None:
        _record(tenant_id, "report_prompt.changed", key, locale, {"body": body})


def reset(tenant_id: int, key: str, locale: str) -> None:
    """Brings our prompt back. Raises BadInput."""
    _check_locale(locale)
    default(key, locale)
    gone = db.session.execute(
        delete(ReportPrompt)
        .where(ReportPrompt.tenant_id == tenant_id, ReportPrompt.key == key, ReportPrompt.locale == locale)
        .returning(ReportPrompt.key)
    ).first()
    if gone is not None:
        _record(tenant_id, "report_prompt.reset", key, locale, {})


def _check_locale(locale: str) -> None:
    if locale not in LOCALES:
        raise BadInput


def _record(tenant_id: int, action: str, key: str, locale: str, changes: dict[str, object]) -> None:
    audit.record(tenant_id, action, ("report_prompt", f"{key}:{locale}", key), {"locale": locale, **changes})
