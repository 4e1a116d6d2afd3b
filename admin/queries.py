"""What comes in an address, made harmless: row keys, page numbers, search words."""

import uuid
from typing import Any

from sqlalchemy import Integer, Uuid
from sqlalchemy import inspect as sa_inspect

from app.core.errors import BadInput, NotFound

MAX_BIGINT = 2**63 - 1
MAX_KEY = 200
MAX_SEARCH = 100
MAX_OFFSET = 1_000_000


def row_key(model: Any, raw: Any) -> Any:
    """The primary key's value; NotFound for what can't be one (`abc`, `1,2`, two ids, beyond bigint)."""
    if not isinstance(raw, str | int) or isinstance(raw, bool):
        raise NotFound
    text = str(raw)
    kind = sa_inspect(model).primary_key[0].type
    if isinstance(kind, Integer):
        if not (text.isascii() and text.isdigit()) or len(text) > 19 or int(text) > MAX_BIGINT:
            raise NotFound
        return int(text)
    if isinstance(kind, Uuid):
        try:
            return uuid.UUID(text)
        except ValueError:
            raise NotFound from None
    if "\0" in text or len(text) > MAX_KEY:
        raise NotFound
    return text


def clean_list_args(args: Any, page_size: int) -> Any:
    """Flask-Admin's list arguments with page, sort and search inside sane bounds."""
    size = args.page_size or page_size
    args.page = min(max(args.page or 0, 0), MAX_OFFSET // max(size, 1))
    if args.search:
        if "\0" in args.search:
            raise BadInput
        args.search = args.search.strip()[:MAX_SEARCH]
    args.extra_args = {name: value for name, value in args.extra_args.items() if name in {"tab", "view"}}
    return args
