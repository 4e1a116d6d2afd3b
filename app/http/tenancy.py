"""Which tenant a request is about: exactly one, however many ways it is named.

The ways are the session, an API key, the subdomain of TENANT_DOMAIN, a proven domain of the tenant's own, and the
path `/tenant/<uuid>/…`. Two that disagree are refused. Look-ups are cached; the bell empties the cache.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, current_app, g, request
from structlog.contextvars import bind_contextvars, unbind_contextvars

from app.core.bells import Bell, Ear
from app.core.cache import Cache
from app.core.errors import BadInput, NotAllowed, NotFound, NotSignedIn
from app.core.i18n import N_
from app.core.queue import transaction
from app.core.settings import Settings
from app.core.tenancy import current_scope, enter_scope, system_scope
from app.domain.people import Role, Viewer
from app.domain.tenants import TenantFacts, clean_host, clean_slug
from app.http.sessions import Visitor
from app.services import api_keys, tenants
from app.services.audit import Actor, act_as, acting
from app.services.people import is_fresh

PATH = re.compile(r"/tenant/([0-9a-fA-F-]{36})(/.*)", re.ASCII)
PATH_KEY = "laoban.tenant"
KEY_ROLE = Role.MANAGER
"""What an API key may do: everything except people, keys and the tenant itself."""
KEY_SHAPE = re.compile(r"tk_[0-9a-f]{64}", re.ASCII)


class TenantsDisagree(BadInput):
    code = "tenants_disagree"
    message = N_(
        "This address belongs to another business than the one you are signed in to. Switch to it or sign out first."
    )


class TenantSuspended(NotAllowed):
    code = "tenant_suspended"
    message = N_("This business has been suspended. Please contact the operator.")


class UnknownKey(NotSignedIn):
    code = "unknown_api_key"
    message = N_("This API key is not valid.")


class TenantPath:
    """Takes `/tenant/<uuid>` off the path, so that every page also exists below it; links keep it."""

    def __init__(self, wsgi_app: WSGIApplication) -> None:
        self._app = wsgi_app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        found = PATH.fullmatch(environ.get("PATH_INFO", ""))
        if found:
            environ[PATH_KEY] = found[1].lower()
            environ["SCRIPT_NAME"] = f"{environ.get('SCRIPT_NAME', '')}/tenant/{found[1]}"
            environ["PATH_INFO"] = found[2]
        return self._app(environ, start_response)


class Directory:
    """Tenants and keys as this process remembers them, at most some seconds."""

    def __init__(self) -> None:
        self._cache = Cache("tenants", memory_seconds=3, redis_seconds=7)
        self._ear = Ear(Bell.TENANTS, self.forget)

    def tenant(self, by: str, value: str) -> TenantFacts | None:
        """A tenant by id, uuid, slug or host."""
        return TenantFacts.read(self._ask(f"{by}:{value}", lambda: tenants.find_facts(by, value)))

    def key(self, text: str) -> dict[str, Any] | None:
        """An API key with its tenant. Only its fingerprint is remembered."""
        if not KEY_SHAPE.fullmatch(text):
            return None
        mark = api_keys.fingerprint(text)
        return self._ask(f"key:{mark}", lambda: api_keys.find(mark))

    def forget(self) -> None:
        """Asks the database anew from now on."""
        self._cache.drop()

    def _ask(self, key: str, load: Callable[[], dict[str, Any] | None]) -> dict[str, Any] | None:
        self._ear.open()

        def ask() -> dict[str, Any] | None:
            with system_scope(), transaction():
                return load()

        found: dict[str, Any] | None = self._cache.get(key, ask)
        return found


def begin() -> None:
    """Forgets whatever an earlier request of this thread may have left, and remembers what to go back to."""
    g.outer = (current_scope(), acting())
    g.tenant = g.membership = g.role = g.viewer = g.api_key = None
    enter_scope(None)
    act_as(Actor("visitor", None, "", ip=request.remote_addr))
    unbind_contextvars("tenant_id", "user_id")


def end(_error: BaseException | None = None) -> None:
    """Leaves the thread as it was found."""
    outer = g.pop("outer", None)
    if outer is not None:
        enter_scope(outer[0])
        act_as(outer[1])
        unbind_contextvars("tenant_id", "user_id")


def enter(visitor: Visitor | None) -> None:
    """Finds the tenant and the role of this request, and lets only that tenant's rows be seen."""
    key = _api_key()
    viewer = _viewer(visitor) if visitor else None
    named = [*_named_by_address(), *_named_by_key(key)]
    if viewer and viewer.tenant_id is not None:
        facts = _directory().tenant("id", str(viewer.tenant_id))
        named += [facts] if facts else []
    if len({facts.id for facts in named}) > 1:
        raise TenantsDisagree
    g.tenant = named[0] if named else None
    g.viewer = viewer
    g.role = KEY_ROLE if key else viewer.role if viewer else None
    enter_scope(g.tenant.id if g.tenant else None)
    _say_who(viewer, key)


def at_address() -> TenantFacts | None:
    """Whose address this is, whoever is signed in; None on addresses for everybody. Raises NotFound, TenantsDisagree."""
    named = _named_by_address()
    if len({facts.id for facts in named}) > 1:
        raise TenantsDisagree
    return named[0] if named else None


def _directory() -> Directory:
    found: Directory = current_app.extensions["laoban-tenants"]
    return found


def _api_key() -> dict[str, Any] | None:
    text = request.headers.get("X-Api-Key")
    if text is None:
        return None
    g.api_key = _directory().key(text)
    if g.api_key is None:
        raise UnknownKey
    found: dict[str, Any] = g.api_key
    return found


def _named_by_key(key: dict[str, Any] | None) -> list[TenantFacts]:
    facts = TenantFacts.read(key["tenant"]) if key else None
    return [facts] if facts else []


def _named_by_address() -> list[TenantFacts]:
    named = []
    uuid = request.environ.get(PATH_KEY)
    if uuid is not None:
        named.append(_existing("uuid", uuid))
    host = (urlsplit(f"//{request.host}").hostname or "").lower()
    settings: Settings = current_app.extensions["settings"]
    if not host or host == urlsplit(settings.public_url).hostname or host == settings.tenant_domain:
        return named
    if settings.tenant_domain and host.endswith(f".{settings.tenant_domain}"):
        slug = clean_slug(host.removesuffix(f".{settings.tenant_domain}"))
        return [*named, _existing("slug", slug or "")]
    # A host that is nobody's is an alias of ours: localhost, an address, a load balancer's name.
    own = _directory().tenant("host", host) if clean_host(host) else None
    return [*named, own] if own else named


def for_everybody(settings: Settings, host: str) -> bool:
    """Whether this Host header surely is no tenant's own address, without looking anything up."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        # What is no host at all is looked at closely.
        return False
    domain = settings.tenant_domain
    if not name or name == urlsplit(settings.public_url).hostname or name == domain:
        return True
    return not (domain and name.endswith(f".{domain}")) and not clean_host(name)


def _existing(by: str, value: str) -> TenantFacts:
    facts = _directory().tenant(by, value) if value else None
    if facts is None:
        raise NotFound
    return facts


def _viewer(visitor: Visitor) -> Viewer:
    session, user = visitor.session, visitor.user
    opened_as = session.opened_as and user.is_operator and session.open_tenant_id is not None
    place = next((p for p in visitor.places if p[1].id == session.open_tenant_id), None)
    if place is None and not opened_as:
        # The tenant that was open is no longer his: the first that is.
        place = next(iter(visitor.places), None)
    g.membership = place[0] if place and not opened_as else None
    tenant_id = session.open_tenant_id if opened_as else place[1].id if place else None
    facts = _directory().tenant("id", str(tenant_id)) if tenant_id is not None else None
    return Viewer(
        user_id=user.id,
        name=user.name or user.email.partition("@")[0],
        email=user.email,
        role=Role.OWNER if opened_as else place[1].role if place else None,
        tenant_id=facts.id if facts else None,
        tenant_name=facts.name if facts else "",
        timezone=facts.timezone if facts else "Asia/Shanghai",
        locale=user.locale,
        is_operator=user.is_operator,
        opened_as=bool(opened_as and facts),
        fresh=is_fresh(session),
        session_id=session.id,
        membership_id=g.membership.id if g.membership else None,
        tenants=tuple(choice for _, choice in visitor.places),
    )


def _say_who(viewer: Viewer | None, key: dict[str, Any] | None) -> None:
    """Tells the audit log and the logs who acts."""
    ip = request.remote_addr
    if key:
        act_as(Actor("api_key", key["id"], key["name"], ip=ip))
    elif viewer:
        kind = "operator" if viewer.opened_as or (viewer.is_operator and viewer.tenant_id is None) else "user"
        act_as(Actor(kind, viewer.user_id, viewer.email, as_operator=viewer.opened_as, ip=ip))
    known = {"tenant_id": g.tenant.id if g.tenant else None, "user_id": viewer.user_id if viewer else None}
    bind_contextvars(**{name: value for name, value in known.items() if value is not None})


def refuse_suspended() -> None:
    """Raises TenantSuspended; an operator may still look."""
    if g.tenant is not None and g.tenant.suspended and not (g.viewer and g.viewer.is_operator):
        raise TenantSuspended


def init_app(app: Flask) -> None:
    """Wraps the application for the path, and ends what `begin` began."""
    app.extensions["laoban-tenants"] = Directory()
    app.wsgi_app = TenantPath(app.wsgi_app)  # type: ignore[method-assign]
    app.teardown_request(end)
