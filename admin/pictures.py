"""A boss's pictures: the field of a form that takes one, and the address under which he sees his own."""

from typing import Any

from flask import make_response, request, url_for
from flask_admin import expose
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import Field
from wtforms.validators import StopValidation
from wtforms.widgets import html_params

from admin.base import PageView
from admin.guard import tenant_id
from app.core.errors import AppError, NotFound
from app.core.queue import transaction
from app.domain.pictures import MAX_BYTES, MIMES
from app.services import pictures

_LONGEST_ID = 18


class PictureWidget:
    """The picture that is there, a box to take it away, and a place to choose another."""

    input_type = "file"

    def __call__(self, field: Any, **kwargs: Any) -> Markup:
        kwargs.setdefault("id", field.id)
        kept = _input(type="hidden", name=field.name, value=field.data or "")
        chosen = _input(type="file", name=f"{field.name}_file", accept=",".join(sorted(MIMES)), **kwargs)
        return Markup('<div class="picture-field" data-picture>{}{}{}</div>').format(
            self._shown(field), kept, chosen
        )

    @staticmethod
    def _shown(field: Any) -> Markup:
        """Scripts show a picture here before it is uploaded, so there is a place for it in any case."""
        label = Markup('<label class="check">{}<span>{}</span></label>').format(
            _input(type="checkbox", name=f"{field.name}_gone", value="1"), gettext("Remove the picture")
        )
        if not field.data:
            empty = Markup(
                '<figure class="picture-shown" hidden><img alt=""><figcaption>{}</figcaption></figure>'
            )
            return empty.format(label)
        url = url_for("pictures.index_view", id=field.data)
        full = Markup(
            '<figure class="picture-shown"><img alt="" src="{}"><figcaption>{}</figcaption></figure>'
        )
        return full.format(url, label)


def _input(**attributes: Any) -> Markup:
    return Markup("<input {}>").format(Markup(html_params(**attributes)))  # noqa: S704 - it escapes the values


class PictureField(Field):
    """A picture of the tenant's; `data` is its id or None. The form is sent as multipart/form-data.

    A file is checked and kept when the form is validated, so that it is not lost when another field is wrong.
    """

    widget = PictureWidget()
    data: Any

    @property
    def also_posted(self) -> frozenset[str]:
        """What the widget sends beside the field's own name."""
        return frozenset({f"{self.name}_gone", f"{self.name}_file"})

    def process_formdata(self, valuelist: list[str]) -> None:
        """The picture that was there before, unless it is to go."""
        raw = valuelist[0] if valuelist else ""
        known = raw.isascii() and raw.isdigit() and len(raw) <= _LONGEST_ID
        self.data = int(raw) if known and not request.form.get(f"{self.name}_gone") else None

    def pre_validate(self, form: Any) -> None:
        """Keeps a new file; takes only pictures of the open tenant."""
        del form
        upload = request.files.get(f"{self.name}_file")
        if upload is not None and upload.filename:
            data = upload.stream.read(MAX_BYTES + 1)
            try:
                with transaction():
                    self.data = pictures.store(tenant_id(), data)
            except AppError as error:
                raise StopValidation(error.text(str(get_locale()))) from None
        elif self.data is not None and not pictures.is_own(tenant_id(), self.data):
            self.data = None
            raise StopValidation(gettext("This picture is not there any more."))


class PicturesView(PageView):
    """`/admin/pictures/?id=…`: no page, only the picture."""

    menu_of = "lotteries"

    @expose("/")
    def index_view(self) -> Any:
        """One picture of the open tenant's."""
        raw = request.args.get("id", "")
        if not (raw.isascii() and raw.isdigit() and len(raw) <= _LONGEST_ID):
            raise NotFound
        if not pictures.is_own(tenant_id(), int(raw)):
            raise NotFound
        kept = pictures.read(int(raw))
        answer = make_response(kept.data)
        answer.content_type = kept.mime
        # A picture never changes; only this person's browser may keep it.
        answer.headers["Cache-Control"] = "private, max-age=3600"
        answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
        return answer


def views() -> list[Any]:
    """The views of this file."""
    return [PicturesView(_l("Pictures"), endpoint="pictures")]
