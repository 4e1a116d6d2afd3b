"""The text of a CSV file, whatever a spreadsheet saved it in."""

import codecs

from app.core.errors import BadInput
from app.core.i18n import N_


class BadFile(BadInput):
    """Nothing of the file can be used."""

    code = "bad_file"


def decode(raw: bytes) -> str:
    """The text of a file in UTF-8, GBK or UTF-16, without the mark at its beginning. Raises BadFile."""
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadFile(N_("The file is no readable text. Save it as CSV in UTF-8."))
