"""How a view changes something: one transaction around a service, its errors in the form, a record in the audit log."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from flask import flash
from flask_babel import get_locale, gettext
from sqlalchemy.exc import IntegrityError
from wtforms import FileField, PasswordField

from app.core.db import db
from app.core.errors import AppError, Conflict, NotAllowed, NotFound, NotSignedIn
from app.core.queue import transaction
from app.services import audit

log = logging.getLogger(__name__)
Result = TypeVar("Result")
NEVER_SHOWN = ("token", "secret", "password", "key", "csrf_token")


class Changes:
    """Mixin of views: the hooks, and `change` around them."""

    endpoint: str

    def service_create(self, form: Any) -> Any:
        """Makes the row through a service and returns it."""
        del form
        raise NotAllowed

    def service_update(self, model: Any, form: Any) -> Any:
        """Changes the row through a service."""
        del model, form
        raise NotAllowed

    def service_delete(self, model: Any) -> Any:
        """Removes the row through a service."""
        del model
        raise NotAllowed

    def audited_tenant(self, model: Any) -> int | None:
        """Whose audit log gets a change; None where it concerns no tenant."""
        del model
        raise NotAllowed

    def change(self, act: Callable[[], Any], verb: str, *rows: Any, form: Any = None) -> Any:
        """Runs `act` inside a transaction and returns what it gave; False when a service refused, which is then shown.

        A service that records nothing itself is recorded here, with the fields of the form.
        """
        try:
            with transaction():
                before = audit.recorded()
                result = act()
                if audit.recorded() == before:
                    self._record(verb, rows or (result,), form)
        except (NotFound, NotAllowed, NotSignedIn):
            raise
        except AppError as error:
            refuse(error, form)
        except IntegrityError as error:
            log.warning(
                "change refused by a constraint",
                extra={"view": self.endpoint, "reason": type(error.orig).__name__},
            )
            refuse(Conflict(), form)
        else:
            return result
        return False

    def _record(self, verb: str, rows: tuple[Any, ...], form: Any) -> None:
        db.session.flush()
        for row in rows:
            tenant = self.audited_tenant(row)
            if tenant is not None:
                kind = type(row).__name__.lower()
                audit.record(
                    tenant, f"{kind}.{verb}", (kind, getattr(row, "id", ""), name_of(row)), entered(form)
                )


def tried(form: Any, do: Callable[[], Result], field: str | None = None) -> Result | None:
    """What a service gave; None where it refused, which the form then says, at `field` unless the error names one."""
    try:
        with transaction():
            return do()
    except (NotFound, NotAllowed, NotSignedIn):
        raise
    except AppError as error:
        error.params.setdefault("field", field)
        refuse(error, form)
    return None


def refuse(error: AppError, form: Any = None) -> None:
    """Shows a service's error: at the field that `field=...` names, above the form, or as a toast."""
    text = error.text(str(get_locale()))
    if form is not None and hasattr(form, "add_error"):
        field = error.params.get("field")
        form.add_error(text, field if isinstance(field, str) else None)
    else:
        flash(text or gettext("That did not work."), "error")


def name_of(row: Any) -> str:
    """What people call a row."""
    for attribute in ("name", "title", "email", "host"):
        value = getattr(row, attribute, None)
        if value:
            return str(value)
    return ""


def entered(form: Any) -> dict[str, object]:
    """What a form holds, for the audit log: no passwords, tokens or files."""
    if form is None:
        return {}
    return {
        field.name: field.data if isinstance(field.data, int | float | bool | None) else str(field.data)[:500]
        for field in form
        if not isinstance(field, PasswordField | FileField)
        and not any(word in field.name for word in NEVER_SHOWN)
    }
