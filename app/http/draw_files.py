"""What is needed to check a draw at home: one Python file, and one page that works from the disk."""

import re
from functools import cache
from pathlib import Path

from flask import Blueprint, Flask, Response, current_app, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from app.core.i18n import LOCALES, N_, translate
from app.http.auth import bare
from app.http.draws import unlisted
from app.http.i18n import HTML_LANG

PYTHON = "draw_verifier.py"
OFFLINE = "verify.html"
TEXTS = {
    "title": N_("Check a draw"),
    "lead": N_(
        "Choose the record of a draw, the .json file from the lottery's page. It is checked on this device, step by step. Nothing is sent anywhere, and no network is needed."
    ),
    "choose": N_("Choose the record"),
    "loading": N_("Reading the record …"),
    "checking": N_("Checking …"),
    "right": N_("Everything is right: this draw came about exactly as promised."),
    "so_far": N_("So far everything is right. The draw is not over yet."),
    "wrong": N_("Something is not right:"),
    "unreadable": N_("This could not be read. Is it the record of a draw?"),
}
"""What the page to keep says, in both languages at once; its switch names the other one itself."""
pages = Blueprint("draw_files", __name__, url_prefix="/l")
_IMPORT = re.compile(r"^import .*?;\n", re.MULTILINE | re.DOTALL)
_EXPORT = re.compile(r"^export ", re.MULTILINE)


@pages.get(f"/{PYTHON}")
@bare
def python_verifier() -> ResponseReturnValue:
    """The verifier for who has Python: one file, nothing else needed."""
    return _download((Path(current_app.root_path) / "domain" / PYTHON).read_text(), PYTHON, "text/x-python")


@pages.get(f"/{OFFLINE}")
@bare
def offline_verifier() -> ResponseReturnValue:
    """The verifier as one page to keep: it works from the disk, without us and without a network."""
    scripts = _scripts(Path(str(current_app.static_folder)))
    texts = {HTML_LANG[one]: {key: translate(one, text) for key, text in TEXTS.items()} for one in LOCALES}
    return _download(
        render_template("lottery/verify.html", scripts=scripts, texts=texts), OFFLINE, "text/html"
    )


def _download(text: str, name: str, kind: str) -> Response:
    response = Response(text, content_type=f"{kind}; charset=utf-8")
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    response.add_etag()
    response.make_conditional(request)
    return unlisted(response)


@cache
def _scripts(static: Path) -> Markup:
    """The scripts of the check as they stand in one page: no imports, no exports."""
    signatures = (static / "vendor" / "noble" / "bls12-381.min.js").read_text()
    own = ("draw_verifier.js", "draw_check.js", "draw_offline.js")
    joined = "\n".join((static / "js" / name).read_text() for name in own)
    plain = _EXPORT.sub("", _IMPORT.sub("", joined))
    return Markup(f'<script>{signatures}</script>\n<script type="module">\n{plain}</script>')  # noqa: S704 - our own files


def init_app(app: Flask) -> None:
    """Serves the files."""
    app.register_blueprint(pages)
