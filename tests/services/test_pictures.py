"""Uploaded pictures: only pictures, nothing but the picture, once per tenant."""

import io
from datetime import timedelta

import pytest
from PIL import Image
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
