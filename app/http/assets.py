"""Our own scripts, styles and pictures, under an address that changes with their content.

The version stands in the path (`/assets/<version>/js/main.js`), so relative imports between scripts and `url()` in
styles carry it too, and browsers may keep every file for a year.
"""

from hashlib import sha256
from pathlib import Path

from flask import Blueprint, Flask, current_app, send_from_directory, url_for
from flask.typing import ResponseReturnValue

from app.http.auth import bare

YEAR = 365 * 24 * 3600
pages = Blueprint("assets", __name__)


def version_of(folder: Path) -> str:
    """Twelve characters that change when any file below `folder` does."""
    digest = sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@pages.get("/assets/<version>/<path:filename>")
@bare
def file(version: str, filename: str) -> ResponseReturnValue:
    """A file; an old version gets the present content, but may not be kept."""
    present = version == current_app.extensions["assets_version"]
    response = send_from_directory(str(current_app.static_folder), filename, max_age=YEAR if present else 0)
    if present:
        response.cache_control.immutable = True
    return response


def asset_url(filename: str) -> str:
    """The address of a file of `app/static`."""
    return url_for("assets.file", version=current_app.extensions["assets_version"], filename=filename)


def init_app(app: Flask) -> None:
    """Serves the files and gives templates `asset_url()`."""
    app.extensions["assets_version"] = version_of(Path(str(app.static_folder)))
    app.register_blueprint(pages)
    app.add_template_global(asset_url)
