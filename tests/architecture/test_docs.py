"""The pages made from the code are up to date, and no link in the docs is dead."""

import re
from pathlib import Path

from tests.make_docs import PAGE, settings_page

ROOT = Path(__file__).parent.parent.parent


def test_the_settings_page_is_what_the_settings_say():
    assert PAGE.read_text() == settings_page()


def test_every_link_between_pages_leads_somewhere():
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    dead = [
        f"{page.name}: {link}"
        for page in pages
        for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text())
        if not (page.parent / link).exists()
    ]
    assert dead == []
