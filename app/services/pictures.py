"""Pictures that a boss uploads: checked, freed of everything but the picture, kept once per tenant."""

import hashlib
import io
import struct
import threading
from dataclasses import dataclass

from PIL import ExifTags, Image
from sqlalchemy import select, text

from app.core.db import db
from app.core.errors import BadInput, NotFound, TooLarge
from app.core.i18n import N_
from app.domain.pictures import LONGEST_SIDE, MAX_BYTES, MAX_RATIO, MAX_SIDES, MIMES
from app.models import Picture, PictureFile

# Sizes are checked below, before a pixel is read; the library's own limit would only warn.
Image.MAX_IMAGE_PIXELS = None
_FORMATS = [mime.removeprefix("image/").upper() for mime in sorted(MIMES)]
_QUALITY = 88
_LEVEL = 4
"""Of PNG; the highest takes a processor half a minute for some pictures, and saves a few per cent."""
_TURN = Image.Transpose
_TURNS = {
    2: _TURN.FLIP_LEFT_RIGHT,
    3: _TURN.ROTATE_180,
    4: _TURN.FLIP_TOP_BOTTOM,
    5: _TURN.TRANSPOSE,
    6: _TURN.ROTATE_270,
    7: _TURN.TRANSVERSE,
    8: _TURN.ROTATE_90,
}
"""What makes a picture upright, by its EXIF orientation."""
# A few kilobytes may unfold to hundreds of megabytes, so a process reads one picture after the other.
_ONE_AT_A_TIME = threading.Lock()
_ENDINGS = {"image/jpeg": "jpg", "image/png": "png"}

# A picture that is there already counts as new again, so that it is not forgotten before it is used.
_KEEP = text("""
INSERT INTO picture (tenant_id, sha256, mime, width, height, data)
VALUES (:tenant_id, :sha256, :mime, :width, :height, :data)
ON CONFLICT (tenant_id, sha256) DO UPDATE SET created_at = now() RETURNING id
""")
_KEEP_FILE = text("""
INSERT INTO picture_file (tenant_id, picture_id, bot_id, file_id)
SELECT p.tenant_id, p.id, :bot_id, :file_id FROM picture p WHERE p.id = :picture_id
ON CONFLICT (picture_id, bot_id) DO UPDATE SET file_id = excluded.file_id
""")
_FORGET_FILE = text("""
DELETE FROM picture_file WHERE picture_id = :picture_id AND bot_id = :bot_id AND file_id = :file_id
""")


class PictureTooLarge(TooLarge):
    code = "picture_too_large"
    message = N_("This picture is too large: at most %(megabytes)s MB, please.")


class NotAPicture(BadInput):
    code = "not_a_picture"
    message = N_("This is not a picture that can be read. JPEG, PNG and WebP are fine.")


class PictureShape(BadInput):
    code = "picture_shape"
    message = N_("Telegram takes no picture of %(width)s by %(height)s pixels.")


@dataclass(frozen=True, slots=True)
class Kept:
    """A picture's bytes. `name` is one that Telegram understands."""

    mime: str
    data: bytes

    @property
    def name(self) -> str:
        return f"picture.{_ENDINGS[self.mime]}"


@dataclass(frozen=True, slots=True)
class _Clean:
    mime: str
    width: int
    height: int
    data: bytes


def store(tenant_id: int, data: bytes) -> int:
    """Keeps an uploaded picture and returns its id; the same picture again has the same id.

    Raises PictureTooLarge, NotAPicture or PictureShape.
    """
    if len(data) > MAX_BYTES:
        raise PictureTooLarge(megabytes=MAX_BYTES >> 20)
    clean = _cleaned(data)
    values = {
        "tenant_id": tenant_id,
        "sha256": hashlib.sha256(clean.data).hexdigest(),
        "mime": clean.mime,
        "width": clean.width,
        "height": clean.height,
        "data": clean.data,
    }
    picture_id: int = db.session.execute(_KEEP, values).scalar_one()
    return picture_id


def read(picture_id: int) -> Kept:
    """A picture's bytes. Raises NotFound."""
    row = db.session.execute(select(Picture.mime, Picture.data).where(Picture.id == picture_id)).first()
    if row is None:
        raise NotFound
    return Kept(row.mime, bytes(row.data))


def is_own(tenant_id: int, picture_id: int) -> bool:
    """Whether there is such a picture of this tenant."""
    query = select(Picture.id).where(Picture.tenant_id == tenant_id, Picture.id == picture_id)
    return db.session.execute(query).first() is not None


def find_file(picture_id: int, bot_id: int) -> str | None:
    """Telegram's name for the picture, where this bot has sent it before."""
    query = select(PictureFile.file_id).where(
        PictureFile.picture_id == picture_id, PictureFile.bot_id == bot_id
    )
    return db.session.execute(query).scalar_one_or_none()


def keep_file(picture_id: int, bot_id: int, file_id: str) -> None:
    """Remembers Telegram's name for a picture."""
    db.session.execute(_KEEP_FILE, {"picture_id": picture_id, "bot_id": bot_id, "file_id": file_id})


def forget_file(picture_id: int, bot_id: int, file_id: str) -> None:
    """Telegram does not know this name any more."""
    db.session.execute(_FORGET_FILE, {"picture_id": picture_id, "bot_id": bot_id, "file_id": file_id})


def _cleaned(data: bytes) -> _Clean:
    """The picture alone, upright, without whatever else the file held: places, cameras, hidden parts."""
    try:
        with _ONE_AT_A_TIME, Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
            _check_shape(opened.width, opened.height)
            # A JPEG that is much too large is read at a fraction of its size; others ignore this.
            opened.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            turn = _TURNS.get(opened.getexif().get(ExifTags.Base.Orientation, 1))
            opened.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            return _encoded(opened if turn is None else opened.transpose(turn))
    except BadInput:
        raise
    except (OSError, SyntaxError, ValueError, EOFError, struct.error):
        # What the library raises for broken files of these formats.
        raise NotAPicture from None


def _check_shape(width: int, height: int) -> None:
    if width + height > MAX_SIDES or max(width, height) > MAX_RATIO * min(width, height):
        raise PictureShape(width=width, height=height)


def _encoded(image: Image.Image) -> _Clean:
    out = io.BytesIO()
    if image.has_transparency_data:
        clean = Image.new("RGBA", image.size)
        clean.paste(image.convert("RGBA"))
        clean.save(out, "PNG", compress_level=_LEVEL)
        mime = "image/png"
    else:
        clean = Image.new("RGB", image.size)
        clean.paste(image.convert("RGB"))
        clean.save(out, "JPEG", quality=_QUALITY)
        mime = "image/jpeg"
    if len(out.getvalue()) > MAX_BYTES:
        raise PictureTooLarge(megabytes=MAX_BYTES >> 20)
    return _Clean(mime, image.width, image.height, out.getvalue())
