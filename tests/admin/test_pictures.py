"""The field for a picture, and who sees which pictures."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from urllib3.filepost import encode_multipart_formdata
from werkzeug.test import TestResponse

from app.core.queue import transaction
from app.domain.pictures import MAX_BYTES
from app.models import Bot, Lottery, Picture
from app.services import pictures
from tests.cast import Cast, sign_in
from tests.lottery_tools import a_bot
from tests.painting import painted


@pytest.fixture
def bot(cast: Cast) -> Bot:
    return a_bot(cast.tenant)


def _send(client: FlaskClient, bot: Bot, file: bytes = b"", **fields: str) -> TestResponse:
    """The form of a new lottery as a browser sends it; the test client itself would leave a file open."""
    sent = {
        "bot_id": str(bot.id),
        "title": "Draw",
        "closes_at": "2027-01-01T20:00",
        "prizes-0-name": "Mug",
        "prizes-0-quantity": "1",
        **fields,
        "picture_file": ("photo.jpg" if file else "", file),
    }
    body, content_type = encode_multipart_formdata(sent)
    return client.post("/admin/lottery-form/", data=body, content_type=content_type)


def test_a_picture_is_uploaded_with_the_lottery_and_shown_to_its_boss(app: Flask, cast: Cast, bot: Bot):
    owner = sign_in(app, cast.owner)
    _send(owner, bot, painted(size=(900, 900)))
    picture_id = Lottery.query.one().picture_id
    shown = owner.get(f"/admin/pictures/?id={picture_id}")
    assert (shown.status_code, shown.content_type) == (200, "image/jpeg")
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert shown.data.startswith(b"\xff\xd8")
    page = owner.get(f"/admin/lottery-form/edit/?id={Lottery.query.one().id}").text
    assert f"/admin/pictures/?id={picture_id}" in page


def test_others_get_no_picture(app: Flask, cast: Cast):
    with transaction():
        picture_id = pictures.store(cast.tenant.id, painted())
    assert sign_in(app, cast.stranger).get(f"/admin/pictures/?id={picture_id}").status_code == 404
    assert app.test_client().get(f"/admin/pictures/?id={picture_id}").status_code == 302
    for wrong in ("", "x", "1" * 30, str(picture_id + 1)):
        assert sign_in(app, cast.owner).get(f"/admin/pictures/?id={wrong}").status_code == 404


def test_a_file_that_is_no_picture_is_named_in_the_form(app: Flask, cast: Cast, bot: Bot):
    answer = _send(sign_in(app, cast.owner), bot, b"GIF89a")
    assert answer.status_code == 200
    assert "field-error" in answer.text
    assert Lottery.query.count() == Picture.query.count() == 0


def test_too_large_a_file_is_named_in_the_form_too(app: Flask, cast: Cast, bot: Bot):
    answer = _send(sign_in(app, cast.owner), bot, b"x" * (MAX_BYTES + 1))
    assert answer.status_code == 200
    assert "field-error" in answer.text


def test_without_signing_in_nothing_large_is_read(app: Flask, cast: Cast, bot: Bot):
    assert _send(app.test_client(), bot, b"x" * MAX_BYTES).status_code == 413


def test_a_picture_survives_a_mistake_in_another_field(app: Flask, cast: Cast, bot: Bot):
    owner = sign_in(app, cast.owner)
    page = _send(owner, bot, painted(), title="")
    picture_id = Picture.query.one().id
    assert f'name="picture" type="hidden" value="{picture_id}"' in page.text
    _send(owner, bot, picture=str(picture_id))
    assert Lottery.query.one().picture_id == picture_id


def test_a_picture_can_be_taken_away(app: Flask, cast: Cast, bot: Bot):
    with transaction():
        picture_id = pictures.store(cast.tenant.id, painted())
    owner = sign_in(app, cast.owner)
    _send(owner, bot, picture=str(picture_id), picture_gone="1")
    assert Lottery.query.one().picture_id is None


def test_another_tenant_s_picture_is_not_taken(app: Flask, cast: Cast, bot: Bot):
    with transaction():
        foreign = pictures.store(cast.other_tenant.id, painted())
    answer = _send(sign_in(app, cast.owner), bot, picture=str(foreign))
    assert "field-error" in answer.text
    assert Lottery.query.count() == 0
