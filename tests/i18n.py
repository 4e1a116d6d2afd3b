"""The catalogues: `make i18n` collects texts, merges translations, says what lacks one, and compiles.

English is the msgid, so `en` is complete by itself; `zh_Hans_CN` must translate every text.
"""

import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

from app.core.i18n import CATALOGUES, ZH

ROOT = Path(__file__).parent.parent
FOLDERS = ("app", "admin", "bots")
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2"), ("**/templates/**.txt", "jinja2")]
KEYWORDS = {"_": None, "gettext": None, "N_": None, "lazy_gettext": None, "ngettext": (1, 2), "_l": None}
OPTIONS = {"**/templates/**.html": {"silent": "false"}, "**/templates/**.txt": {"silent": "false"}}
PO = CATALOGUES / ZH / "LC_MESSAGES" / "messages.po"
MO = PO.with_suffix(".mo")


def collect() -> Catalog:
    """All texts that the code marks, with where they stand (files only, so that lines do not churn)."""
    found = Catalog(project="Laoban", charset="utf-8")
    for folder in FOLDERS:
        rows = extract_from_dir(
            ROOT / folder, METHODS, options_map=OPTIONS, keywords=KEYWORDS, comment_tags=("Translators:",)
        )
        for name, _line, message, comments, context in rows:
            found.add(message, None, [(f"{folder}/{name}", None)], auto_comments=comments, context=context)
    return found


def load() -> Catalog:
    """The Chinese catalogue as committed."""
    if not PO.exists():
        return Catalog(locale="zh_Hans_CN", project="Laoban", charset="utf-8")
    with PO.open("rb") as file:
        return read_po(file, locale="zh_Hans_CN")


def lacking(catalogue: Catalog) -> list[str]:
    """The msgids without a certain translation."""
    return [str(message.id) for message in catalogue if message.id and (message.fuzzy or is_empty(message))]


def is_empty(message: Message) -> bool:
    """Whether a text, or one of its plural forms, has no translation."""
    return not message.string or (message.pluralizable and not all(message.string))


def compiled(catalogue: Catalog) -> bytes:
    """The bytes of the .mo file."""
    buffer = io.BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def merge(files: list[str]) -> None:
    """Collects texts anew, takes translations from the given .po files where ours has none, and writes both files."""
    ours = load()
    ours.update(collect(), no_fuzzy_matching=True)
    ours.obsolete.clear()
    for name in files:
        with Path(name).open("rb") as file:
            for message in read_po(file, locale="zh_Hans_CN"):
                known = ours.get(message.id, message.context) if message.id else None
                if known is not None and is_empty(known) and not is_empty(message):
                    known.string = message.string
    PO.parent.mkdir(parents=True, exist_ok=True)
    with PO.open("wb") as file:
        write_po(file, ours, width=110, sort_output=True, omit_header=False, include_lineno=False)
    MO.write_bytes(compiled(ours))


def read_compiled() -> Catalog:
    """What the program really reads."""
    with MO.open("rb") as file:
        return read_mo(file)


if __name__ == "__main__":
    merge(sys.argv[1:])
    missing = lacking(load())
    print("\n".join(missing))  # noqa: T201
    print(f"{len(missing)} texts lack a translation")  # noqa: T201
