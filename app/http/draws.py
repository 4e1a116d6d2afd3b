"""The public page of a lottery and its record, for everybody. The verifiers to take home are in `draw_files.py`."""

import json
import tempfile
from hashlib import sha256
from typing import IO

import segno
from flask import Blueprint, Flask, Response, make_response, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.wsgi import wrap_file

from app.core import clock
from app.core.errors import NotFound
from app.core.queue import transaction
from app.core.tenancy import system_scope, tenant_scope
from app.domain.lotteries import ConditionKind
from app.domain.tenants import TenantFacts
from app.http import tenancy
from app.http.auth import bare
from app.http.i18n import select_locale
from app.http.limits import limiter
from app.models import Lottery
from app.services.lotteries import public, record, wording

IN_MEMORY = 1024 * 1024
"""A longer record is put together in a file, so that a slow reader holds neither memory nor a connection."""
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
    link = f"https://t.me/{facts.bot}?start=l_{lottery.code}"
    response = make_response(
        render_template(
            "lottery/page.html",
            facts=facts,
            lottery=lottery,
            place=wording.Place(select_locale(), facts.zone),
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
    with system_scope(), transaction():
        lottery = _find(code, own)
        with tenant_scope(lottery.tenant_id):
            head = record.record(lottery)
            tag = sha256(json.dumps(head, ensure_ascii=False).encode()).hexdigest()[:32]
            known = request.if_none_match.contains(tag)
            file = None if known else _written(lottery, head)
    response = Response(status=304) if file is None else _sent(file)
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


def _written(lottery: Lottery, head: dict[str, object]) -> IO[bytes]:
    # It is closed by the server when the last byte is sent.
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
    for part in record.stream(lottery, head):
        file.write(part)
    return file


def _sent(file: IO[bytes]) -> Response:
    size = file.tell()
    file.seek(0)
    body = wrap_file(request.environ, file)
    response = Response(body, content_type="application/json; charset=utf-8", direct_passthrough=True)
    response.content_length = size
    return response


def unlisted(response: Response) -> Response:
    """Tells search engines that a lottery's page is for who has its address."""
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def init_app(app: Flask) -> None:
    """Serves the pages."""
    app.register_blueprint(pages)
