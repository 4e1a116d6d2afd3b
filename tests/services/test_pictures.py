"""Uploaded pictures: only pictures, nothing but the picture, once per tenant."""

import io
from datetime import timedelta
from time import process_time

import pytest
from PIL import Image, ImageOps
from sqlalchemy import func, select, update

from app.core.db import db
from app.core.errors import NotFound
from app.core.queue import transaction
from app.core.tenancy import tenant_scope
from app.domain.pictures import MAX_BYTES
from app.models import LotteryTemplate, Picture
from app.services import pictures, retention
from tests.cast import Cast
from tests.lottery_tools import a_bot, a_draft
from tests.painting import painted


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_pictures_of_the_common_kinds_are_kept(cast: Cast, kind: str):
    with transaction():
        kept = pictures.read(pictures.store(cast.tenant.id, painted(kind)))
    assert kept.mime == "image/jpeg"
    assert Image.open(io.BytesIO(kept.data)).size == (60, 40)
    assert kept.name == "picture.jpg"


def test_transparent_parts_stay(cast: Cast):
    with transaction():
        kept = pictures.read(pictures.store(cast.tenant.id, painted("PNG", mode="RGBA")))
    assert kept.mime == "image/png"


def test_where_and_with_what_a_photo_was_taken_is_not_kept(cast: Cast):
    exif = Image.Exif()
    exif[0x010F] = "Secret Camera"
    with transaction():
        kept = pictures.read(pictures.store(cast.tenant.id, painted("JPEG", exif=exif, comment=b"Secret")))
    assert b"Secret" not in kept.data
    assert not Image.open(io.BytesIO(kept.data)).getexif()


def test_a_photo_taken_sideways_stands_upright(cast: Cast):
    exif = Image.Exif()
    exif[0x0112] = 6
    with transaction():
        kept = pictures.read(pictures.store(cast.tenant.id, painted("JPEG", exif=exif)))
    assert Image.open(io.BytesIO(kept.data)).size == (40, 60)


@pytest.mark.parametrize("turn", range(1, 9))
def test_every_turn_that_a_camera_writes_is_undone(cast: Cast, turn: int):
    exif, photo = Image.Exif(), Image.new("RGB", (60, 40))
    exif[0x0112] = turn
    photo.paste((255, 0, 0), (0, 0, 30, 20))
    file = io.BytesIO()
    photo.save(file, "PNG", exif=exif)
    with transaction():
        kept = pictures.read(pictures.store(cast.tenant.id, file.getvalue()))
    upright, found = ImageOps.exif_transpose(Image.open(file)), Image.open(io.BytesIO(kept.data))
    assert found.size == upright.size
    corners = [(5, 5), (found.width - 5, 5), (5, found.height - 5), (found.width - 5, found.height - 5)]
    assert [found.getpixel(at)[0] > 128 for at in corners] == [
        upright.getpixel(at)[0] > 128 for at in corners
    ]


def test_nonsense_in_a_photo_s_notes_is_no_matter(cast: Cast):
    # A text where a number should be: writing such notes anew would fail.
    exif = Image.Exif()
    exif[0x0112], exif[0x0124] = 6, 2
    broken = painted("JPEG", exif=exif).replace(b"\x01\x24\x00\x04", b"\x01\x24\x00\x02")
    with transaction():
        assert pictures.store(cast.tenant.id, broken)


def test_pictures_are_unfolded_one_after_the_other(cast: Cast, monkeypatch: pytest.MonkeyPatch):
    seen = []
    monkeypatch.setattr(pictures, "_check_shape", lambda *_: seen.append(pictures._ONE_AT_A_TIME.locked()))
    with transaction():
        pictures.store(cast.tenant.id, painted("PNG"))
    assert seen == [True]
    assert not pictures._ONE_AT_A_TIME.locked()


def test_no_small_picture_keeps_a_processor_busy_for_long(cast: Cast):
    dots = Image.effect_noise((320, 320), 99).resize((2560, 2560)).quantize(16)
    file, before = io.BytesIO(), process_time()
    dots.save(file, "PNG", transparency=0)
    pictures._cleaned(file.getvalue())
    assert process_time() - before < 10


def test_what_is_larger_than_telegram_shows_is_made_smaller(cast: Cast):
    with transaction():
        kept = pictures.read(pictures.store(cast.tenant.id, painted("JPEG", size=(6000, 3000))))
    assert Image.open(io.BytesIO(kept.data)).size == (2560, 1280)


def test_the_same_picture_is_kept_once_per_tenant(cast: Cast):
    with transaction():
        ids = [pictures.store(cast.tenant.id, painted("PNG")) for _ in range(2)]
        foreign = pictures.store(cast.other_tenant.id, painted("PNG"))
    assert ids[0] == ids[1] != foreign
    assert db.session.scalar(select(func.count()).select_from(Picture)) == 2


def test_nobody_reads_another_tenant_s_picture(cast: Cast):
    with transaction():
        picture_id = pictures.store(cast.tenant.id, painted("PNG"))
    assert not pictures.is_own(cast.other_tenant.id, picture_id)
    with tenant_scope(cast.other_tenant.id), transaction(), pytest.raises(NotFound):
        pictures.read(picture_id)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        painted("GIF"),
        painted("BMP"),
        painted("PNG")[:60],
        painted("JPEG")[:200],
        b"<svg/>",
    ],
)
def test_what_is_no_picture_is_refused(cast: Cast, data: bytes):
    with transaction(), pytest.raises(pictures.NotAPicture):
        pictures.store(cast.tenant.id, data)


@pytest.mark.parametrize("size", [(9990, 20), (2100, 100), (5001, 5000), (30_000, 30_000)])
def test_shapes_that_telegram_does_not_take_are_refused(cast: Cast, size: tuple[int, int]):
    with transaction(), pytest.raises(pictures.PictureShape):
        pictures.store(cast.tenant.id, painted("PNG", mode="1", size=size))


def test_too_large_a_file_is_refused_unread(cast: Cast):
    with transaction(), pytest.raises(pictures.PictureTooLarge):
        pictures.store(cast.tenant.id, b"\xff" * (MAX_BYTES + 1))


def test_pictures_that_nothing_uses_are_forgotten_after_a_week(cast: Cast):
    config = a_bot(cast.tenant)
    with transaction():
        used, template, unused, fresh = (
            pictures.store(cast.tenant.id, painted(size=(60, height))) for height in (40, 41, 42, 43)
        )
    a_draft(config, picture_id=used)
    with transaction():
        body = {"picture_id": template}
        db.session.add(
            LotteryTemplate(
                tenant_id=cast.tenant.id, bot_id=config.id, name="x", body=body, duration_minutes=60
            )
        )
        old = Picture.created_at - timedelta(days=8)
        db.session.execute(update(Picture).where(Picture.id != fresh).values(created_at=old))
    with transaction():
        assert not retention.forget_some("pictures")
    assert set(db.session.scalars(select(Picture.id))) == {used, template, fresh}
    assert unused
