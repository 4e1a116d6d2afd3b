"""Files: kept once, checked whenever they are read."""

import pytest
from sqlalchemy import func, select, text

from app.core.db import db
from app.core.errors import NotFound
from app.core.queue import transaction
from app.domain.products import MAX_FILE
from app.models import StoredFile
from app.services import files
from tests.cast import Cast


def keep(cast: Cast, name: str = "book.pdf", data: bytes = b"%PDF") -> StoredFile:
    with transaction():
        return files.keep(cast.tenant.id, name, "application/pdf", data)


def test_a_file_comes_back_as_it_was(cast: Cast):
    kept = files.read(keep(cast).id)
    assert (kept.name, kept.mime, kept.data) == ("book.pdf", "application/pdf", b"%PDF")


def test_the_same_bytes_are_kept_once_per_tenant(cast: Cast):
    one, again = keep(cast), keep(cast, "copy.pdf")
    with transaction():
        foreign = files.keep(cast.other_tenant.id, "book.pdf", "application/pdf", b"%PDF")
    assert one.id == again.id != foreign.id
    assert db.session.scalar(select(func.count()).select_from(StoredFile)) == 2


def test_empty_and_huge_files_are_refused(cast: Cast):
    with pytest.raises(files.FileEmpty):
        keep(cast, data=b"")
    with pytest.raises(files.FileTooLarge):
        keep(cast, data=b"x" * (MAX_FILE + 1))


def test_damaged_bytes_are_given_to_nobody(cast: Cast):
    kept = keep(cast)
    db.session.execute(text("UPDATE stored_file SET data = 'other'"))
    with pytest.raises(files.FileDamaged):
        files.read(kept.id)


def test_an_unknown_file_is_not_found(cast: Cast):
    with pytest.raises(NotFound):
        files.read(1)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\books\\八字 书.pdf", "八字 书.pdf"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
        ("\u202efdp.exe\n", "fdp.exe"),
        ("", "file"),
        ("...", "file"),
    ],
)
def test_names_are_made_harmless(given: str, kept: str):
    assert files.clean_name(given) == kept
