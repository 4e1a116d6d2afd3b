"""Files that are sold, and reports that were made: kept once per tenant, checked again whenever they are read."""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.core.db import db
from app.core.errors import AppError, BadInput, NotFound, TooLarge
from app.core.i18n import N_
from app.domain.products import MAX_FILE
from app.models import StoredFile

MAX_NAME: Final = 120
_UNFIT: Final = re.compile('[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ud800-\udfff"\\\\/:*?<>|]+')


class FileEmpty(BadInput):
    code = "file_empty"
    message = N_("The file %(name)s is empty.")


class FileTooLarge(TooLarge):
    code = "file_too_large"
    message = N_("The file %(name)s is too large: at most %(megabytes)s MB, please.")


class FileDamaged(AppError):
    """The bytes are not those that were kept; nobody gets them."""

    code = "file_damaged"
    status = 500
    message = N_("This file is damaged. Put it in again.")


@dataclass(frozen=True, slots=True)
class Kept:
    """A file with its bytes."""

    id: int
    name: str
    mime: str
    data: bytes


def keep(tenant_id: int, name: str, mime: str, data: bytes) -> StoredFile:
    """Keeps a file; the same bytes again are the same row, under the name it got first.

    Raises FileEmpty and FileTooLarge.
    """
    name = clean_name(name)
    if not data:
        raise FileEmpty(name=name)
    if len(data) > MAX_FILE:
        raise FileTooLarge(name=name, megabytes=MAX_FILE >> 20)
    sha256 = hashlib.sha256(data).hexdigest()
    values = {"tenant_id": tenant_id, "sha256": sha256, "name": name, "mime": mime, "data": data}
    db.session.execute(insert(StoredFile).values(values).on_conflict_do_nothing())
    query = select(StoredFile).where(StoredFile.tenant_id == tenant_id, StoredFile.sha256 == sha256)
    return db.session.scalars(query).one()


def read(file_id: int) -> Kept:
    """A file's bytes. Raises NotFound and FileDamaged."""
    query = select(StoredFile.id, StoredFile.name, StoredFile.mime, StoredFile.data, StoredFile.sha256).where(
        StoredFile.id == file_id
    )
    row = db.session.execute(query).first()
    if row is None:
        raise NotFound
    data = bytes(row.data)
    if hashlib.sha256(data).hexdigest() != row.sha256:
        raise FileDamaged
    return Kept(row.id, row.name, row.mime, data)


def clean_name(name: str) -> str:
    """A name without folders and signs that file systems or readers trip over; its ending stays."""
    line = " ".join(_UNFIT.sub(" ", name.replace("\\", "/").rsplit("/", 1)[-1]).split()).strip(". ")
    stem, dot, ending = line.rpartition(".")
    if not dot or len(ending) > 10:
        return line[:MAX_NAME] or "file"
    return f"{stem[: MAX_NAME - len(ending) - 1]}.{ending}"
