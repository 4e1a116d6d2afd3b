"""A small shop of views over real tables: what the base promises, every list and form of the product gets."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest
from flask import Flask, g, request
from flask.testing import FlaskClient
from flask_admin import expose
from flask_admin.actions import action
from sqlalchemy import event, select
from wtforms import IntegerField
from wtforms.validators import InputRequired, Length, Optional

import admin
from admin import audit, bot_texts, dead_letters
from admin.base import OperatorView, PageView, TenantView
from admin.forms import AdminForm, CleanStringField, LocalDateTimeField, RowSelectField
from admin.guard import tenant_id
from admin.lookups import Lookup
from app.core.db import db
from app.core.errors import Conflict
from app.core.tenancy import SYSTEM, enter_scope
from app.domain.people import Role, Viewer
from app.factory import create_app
from app.http import assets, csrf, errors, i18n, pages, requests, security_headers
from app.models import AuditEvent, Bot, BotMenuItem, Member, Tenant, User
from tests.cast import Cast

BUTTONS = "/admin/buttons/"


class ButtonForm(AdminForm):
    label = CleanStringField("Label", [InputRequired(), Length(max=40)])
    reply = CleanStringField("Reply", [Optional()])
    position = IntegerField("Position", [Optional()])
    bot_id = RowSelectField("Bot", model=Bot, shown=lambda bot: bot.name)


class ButtonView(TenantView):
    role = Role.READ_ONLY
    create_role = edit_role = Role.SUPPORT
    delete_role = Role.MANAGER
    form = ButtonForm
    column_list = ("label", "reply", "position")
    column_searchable_list = ("label",)
    column_filters = ("position", "label")
    lookups: ClassVar[dict[str, Lookup]] = {"bot": Lookup(Bot, ("name",), lambda bot: bot.name)}

    def service_create(self, form: Any) -> BotMenuItem:
        if form.label.data == "taken":
            raise Conflict(field="label")
        button = BotMenuItem(tenant_id=tenant_id(), **form.values() | {"position": form.position.data or 0})
        db.session.add(button)
        return button

    def service_update(self, model: Any, form: Any) -> None:
        model.label, model.reply = form.label.data, form.reply.data

    def service_delete(self, model: Any) -> None:
        if model.label == "stays":
            raise Conflict
        db.session.delete(model)

    @action("shout", "Shout")
    def action_shout(self, ids: list[str]) -> None:
        rows = self.rows(ids)
        self.change(lambda: [setattr(row, "label", row.label.upper()) for row in rows], "shout", *rows)


class MemberView(TenantView):
    column_list = ("first_name", "username", "first_seen_at")
    column_searchable_list = ("first_name",)
    column_filters = ("first_seen_at",)
    export_role = Role.OWNER


class AllButtonsView(OperatorView):
    delete_role = Role.OWNER
    column_list = ("label",)

    def service_delete(self, model: Any) -> None:
        db.session.delete(model)


class ClockForm(AdminForm):
    at = LocalDateTimeField("At", [Optional()])


class ClockView(PageView):
    @expose("/", methods=("GET", "POST"))
    def index(self) -> Any:
        form = ClockForm(request.form or None)
        return str(form.at.data if form.validate() else form.errors)


def _views() -> list[Any]:
    return [
        ButtonView(BotMenuItem, "Buttons", endpoint="buttons"),
        MemberView(Member, "Customers", endpoint="customers"),
        AllButtonsView(BotMenuItem, "All buttons", endpoint="all_buttons"),
        ClockView("Clock", endpoint="clock"),
    ]


class _Feature:
    views = staticmethod(_views)


@pytest.fixture(scope="session")
def shop_app(_servers: None) -> Iterator[Flask]:
    """An application with the views above, in which a header says who looks."""
    flask = create_app()
    flask.config.update(TESTING=True)

    @flask.before_request
    def _enter() -> None:
        person = flask.config["PERSON"]
        enter_scope(person.tenant_id if person else None)
        g.viewer = person

    @flask.teardown_request
    def _leave(error: BaseException | None) -> None:
        enter_scope(SYSTEM)

    for feature in (requests, errors, security_headers, i18n, assets, csrf, pages):
        feature.init_app(flask)
    admin.init_app(flask, (audit, bot_texts, dead_letters, _Feature))  # type: ignore[arg-type]
    yield flask
    with flask.app_context():
        db.engine.dispose()


class Browser:
    """A person at the shop's pages; fills in the CSRF token as the pages do."""

    def __init__(self, app: Flask, person: Viewer | None) -> None:
        self.app, self.person = app, person
        self.client: FlaskClient = app.test_client()

    def get(self, path: str, **kwargs: Any) -> Any:
        self.app.config["PERSON"] = self.person
        return self.client.get(path, **kwargs)

    def post(self, path: str, data: dict[str, Any], *, token: bool = True, **kwargs: Any) -> Any:
        self.app.config["PERSON"] = self.person
        return self.client.post(path, data=data | ({"csrf_token": self.token()} if token else {}), **kwargs)

    def token(self) -> str:
        page = self.get("/").text
        return page.split('name="csrf_token" value="')[1].split('"')[0]


@pytest.fixture
def browser(shop_app: Flask, app: Flask, cast: Cast) -> Iterator[Callable[..., Browser]]:
    """`browser()` is the owner of tenant A; `browser(role)`, `browser(tenant=...)`, `browser(None)` are others."""

    def open_as(
        role: Role | None = Role.OWNER, tenant: Tenant | None = None, *, operator: bool = False
    ) -> Browser:
        home = tenant or cast.tenant
        user: User = cast.operator if operator else cast.owner
        where = {} if operator else {"tenant_id": home.id, "tenant_name": home.name, "role": role}
        person = Viewer(user.id, user.name, user.email, is_operator=operator, **where)
        return Browser(shop_app, person if role or operator else None)

    yield open_as
    shop_app.config["PERSON"] = None


def labels(tenant: Tenant) -> set[str]:
    """What the tenant's buttons say."""
    return set(db.session.scalars(select(BotMenuItem.label).where(BotMenuItem.tenant_id == tenant.id)))


def last_event() -> AuditEvent | None:
    """What was recorded last."""
    return db.session.scalar(select(AuditEvent).order_by(AuditEvent.id.desc()))


@pytest.fixture
def bots(cast: Cast) -> tuple[Bot, Bot]:
    """A bot of tenant A and one of tenant B."""
    made = tuple(
        Bot(
            tenant_id=home.id,
            name=f"Bot {home.slug}",
            telegram_id=home.id,
            token="1:x",
            token_fingerprint=f"f{home.id}",
        )
        for home in (cast.tenant, cast.other_tenant)
    )
    db.session.add_all(made)
    db.session.commit()
    return made[0], made[1]


@pytest.fixture
def buttons(cast: Cast, bots: tuple[Bot, Bot]) -> tuple[BotMenuItem, BotMenuItem]:
    """A button of tenant A and one of tenant B."""
    made = tuple(
        BotMenuItem(tenant_id=bot.tenant_id, bot_id=bot.id, label=f"Button {bot.name[-1]}") for bot in bots
    )
    db.session.add_all(made)
    db.session.commit()
    return made[0], made[1]


@pytest.fixture
def count_queries(shop_app: Flask) -> Callable[[], Any]:
    """A context manager that gives the statements which the shop's engine ran inside it, without scope settings."""

    @contextmanager
    def counting() -> Iterator[list[str]]:
        seen: list[str] = []

        def note(conn: Any, cursor: Any, statement: str, *others: Any) -> None:
            if "set_config" not in statement:
                seen.append(statement)

        with shop_app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        yield seen
        event.remove(engine, "before_cursor_execute", note)

    return counting
