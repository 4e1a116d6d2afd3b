"""The public page of a lottery and its record, for everybody. The verifiers to take home are in `draw_files.py`."""

from hashlib import sha256

import segno
from flask import Blueprint, Flask, Response, make_response, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from app.core import clock
from app.core.errors import NotFound
from app.core.queue import transaction
from app.core.tenancy import system_scope, tenant_scope
from app.domain.lotteries import ConditionKind, bot_link
from app.domain.tenants import TenantFacts
from app.domain.wording import Place
from app.http import draw_lists, tenancy
from app.http.auth import bare
from app.http.i18n import select_locale
from app.http.limits import limiter
from app.models import Lottery
from app.services.lotteries import public, record, wording

JSON = "application/json; charset=utf-8"
pages = Blueprint("draws", __name__, url_prefix="/l")


@pages.get("/<code>")
@bare
@limiter.limit("240/minute")
def page(code: str) -> ResponseReturnValue:
    """What the lottery is, who won, and a button that checks the draw in the reader's own browser."""
    own = tenancy.at_address()
    with system_scope(), transaction():
        lottery = _find(code, own)
        with tenant_scope(lottery.tenant_id):
            facts = public.facts(lottery)
    link = bot_link(facts.bot, lottery.code)
    response = make_response(
        render_template(
            "lottery/page.html",
            facts=facts,
            lottery=lottery,
            place=Place(select_locale(), facts.zone),
            link=link,
            qr=Markup(segno.make(link).svg_inline(omitsize=True)),  # noqa: S704 - our own drawing
            now=clock.now(),
            words=wording,
            kinds=ConditionKind,
        )
    )
    response.headers["Vary"] = "Accept-Language, Cookie"
    return unlisted(response)


@pages.get("/<code>.json")
@bare
@limiter.limit("30/minute")
def the_record(code: str) -> ResponseReturnValue:
    """The whole record; unchanged (304) where the reader has it already."""
    own = tenancy.at_address()
    with system_scope():
        with transaction():
            lottery = _find(code, own)
            with tenant_scope(lottery.tenant_id):
                found = record.record(lottery)
            lottery_id, tenant_id, root = lottery.id, lottery.tenant_id, found["root"]
        head = record.opening(found)
        tag = sha256(head).hexdigest()[:32]
        if request.if_none_match.contains(tag):
            response = Response(status=304)
        elif isinstance(root, str):
            response = _sent(draw_lists.body(lottery_id, tenant_id, root, head))
        else:
            response = Response(head + record.END, content_type=JSON)
    response.set_etag(tag)
    response.headers["Cache-Control"] = "no-cache"
    # It is public: whoever writes a verifier of his own may read it from his own page.
    response.headers["Access-Control-Allow-Origin"] = "*"
    return unlisted(response)


def _find(code: str, own: TenantFacts | None) -> Lottery:
    lottery = public.find(code, own.id if own else None)
    if lottery is None:
        raise NotFound
    return lottery


def _sent(body: draw_lists.Body) -> Response:
    response = Response(body, content_type=JSON, direct_passthrough=True)
    response.content_length = body.size
    return response


def unlisted(response: Response) -> Response:
    """Tells search engines that a lottery's page is for who has its address."""
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def init_app(app: Flask) -> None:
    """Serves the pages."""
    app.register_blueprint(pages)
