"""Files of others are what their list says, and no page or style asks another host for anything."""

import re
from hashlib import sha256
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "app" / "static"
LISTED = {
    "vendor/bootstrap/bootstrap.min.css": "bootstrap/bootstrap.min.css",
    "vendor/chartjs/chart.umd.min.js": "chartjs/chart.umd.min.js",
    "vendor/noble/bls12-381.min.js": "noble/bls12-381.min.js",
    "img/icons.svg": "lucide/",
}


@pytest.mark.parametrize(("file", "row"), LISTED.items())
def test_vendored_files_are_unchanged(file, row):
    line = next(
        line for line in (STATIC / "vendor" / "README.md").read_text().splitlines() if f"`{row}`" in line
    )
    assert sha256((STATIC / file).read_bytes()).hexdigest() in line


def test_every_icon_that_a_page_names_exists():
    root = STATIC.parents[1]
    known = set(re.findall(r'<symbol id="([a-z0-9-]+)"', (STATIC / "img" / "icons.svg").read_text()))
    used: set[str] = set()
    for folder in (root / "app" / "templates", root / "admin" / "templates"):
        for path in folder.rglob("*.html"):
            used |= set(re.findall(r'\bicon\("([a-z0-9-]+)"', path.read_text()))
    for path in (root / "admin").glob("*.py"):
        used |= set(re.findall(r'^    icon = "([a-z0-9-]+)"', path.read_text(), re.MULTILINE))
    assert used <= known, used - known


@pytest.mark.parametrize(
    "path", [*STATIC.glob("css/*.css"), *STATIC.glob("js/*.js")], ids=lambda path: path.name
)
def test_our_own_files_name_no_other_host(path):
    text = path.read_text().replace("http://www.w3.org/2000/svg", "")
    assert "http://" not in text
    assert "https://" not in text
