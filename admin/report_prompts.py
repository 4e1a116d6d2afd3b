"""The prompts that reports are written by: one's own per chapter and language, and a sample report for nothing."""

import re
from datetime import date
from functools import lru_cache
from typing import Any, ClassVar

from flask import flash, make_response, redirect, request, url_for
from flask_admin import expose
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l
from markupsafe import Markup, escape
from wtforms import TextAreaField

from admin.acts import sent
from admin.base import PageView
from admin.bot_texts import LANGUAGES
from admin.forms import AdminForm, viewer_zone
from admin.guard import tenant_id, viewer
from admin.menu import Group
from app.core import clock
from app.core.errors import AppError, NotFound
from app.core.i18n import LOCALES, ZH, translate
from app.core.queue import transaction
from app.domain.bazi import Birth, Chart, ReportText, School
from app.domain.bazi_facts import facts_of
from app.domain.bazi_inputs import birth_of
from app.domain.bazi_names import TITLES
from app.domain.bot_texts import written
from app.domain.people import Role
from app.domain.report_prompts import KEYS, LIMITS, PLACEHOLDERS, SYSTEM, default
from app.services import service_accounts
from app.services.reports import messages, pdf, prompts
from app.services.reports.chart import make_chart
from app.services.reports.pdf import PdfHead
from app.services.reports.text import write_text

SAMPLE: dict[str, Any] = {
    "sex": "female",
    "calendar": "solar",
    "birth_date": {"year": 1990, "month": 5, "day": 17, "leap": False},
    "birth_hour": {"hour": 8, "minute": 30, "exact": True},
    "place": None,
}
NAMES = {True: "林小雨", False: "Lin Xiaoyu"}
SECONDS = 10.0
_TAG = re.compile(r"&lt;(/?)(b|i|pre|code|blockquote)&gt;")


class PromptForm(AdminForm):
    """One prompt."""

    also_posted = frozenset({"key", "lang"})
    body = TextAreaField(_l("What the model is told"))


class ReportPromptsView(PageView):
    """`/admin/report-prompts/?key=…&lang=…`."""

    group, icon, order = Group.BUSINESS, "sparkles", 40
    lead = _l("How your BaZi reports are written: one text for each chapter and language.")
    roles: ClassVar[dict[str, Role | None]] = dict.fromkeys(("save", "reset"), Role.MANAGER)

    @expose("/")
    def index_view(self) -> Any:
        """One prompt with its preview."""
        return self._page(*_chosen())

    @expose("/save/", methods=("POST",))
    def save(self) -> Any:
        """Checks and keeps it."""
        key, locale = _chosen()
        form = PromptForm(request.form)
        try:
            if form.validate():
                with transaction():
                    prompts.save(tenant_id(), key, locale, form.body.data or "")
                flash(gettext("Saved. The next report is written by it."), "success")
                return redirect(url_for(".index_view", key=key, lang=locale), 303)
        except AppError as error:
            form.add_error(error.text(str(get_locale())), "body")
        return self._page(key, locale, form)

    @expose("/reset/", methods=("POST",))
    def reset(self) -> Any:
        """Brings ours back."""
        key, locale = _checked(*sent("key", "lang"))
        with transaction():
            prompts.reset(tenant_id(), key, locale)
        flash(gettext("The default text is back."), "success")
        return redirect(url_for(".index_view", key=key, lang=locale), 303)

    @expose("/sample/")
    def sample(self) -> Any:
        """A whole report about a sample birth, as a buyer gets it in Telegram."""
        _, locale = _chosen()
        chart, _, text = _report(locale)
        said = [telegram_page(each) for each in messages.render(chart, text, locale)]
        return self.render("admin/prompts/sample.html", said=said, locale=locale, languages=LANGUAGES)

    @expose("/sample.pdf")
    def sample_pdf(self) -> Any:
        """The same as the book."""
        _, locale = _chosen()
        today = clock.now().astimezone(viewer_zone()).date()
        answer = make_response(_book(locale, viewer().tenant_name, today))
        answer.content_type = "application/pdf"
        answer.headers.set("Content-Disposition", "inline", filename="sample.pdf")
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def _page(self, key: str, locale: str, form: PromptForm | None = None) -> str:
        found = {prompt.key: prompt for prompt in prompts.list_prompts(tenant_id(), locale)}
        chart, birth = _chart(locale)
        today = clock.now().astimezone(viewer_zone()).date()
        return self.render(
            "admin/prompts/index.html",
            form=form or PromptForm(data={"body": found[key].body}),
            key=key,
            locale=locale,
            languages=LANGUAGES,
            chapters=[(each, chapter_name(each), found[each].own) for each in KEYS],
            own=found[key].own,
            default=default(key, locale),
            limit=LIMITS[key],
            placeholders=[(written(name), gettext(words)) for name, words in PLACEHOLDERS.items()],
            facts=facts_of(chart, birth, locale, today),
            model=service_accounts.deepseek(tenant_id()),
            may_change=viewer().may(Role.MANAGER),
        )


def chapter_name(key: str) -> str:
    """A chapter in the viewer's language; the first prompt is about all of them."""
    locale = str(get_locale()) if str(get_locale()) in TITLES else ZH
    return str(gettext("For all chapters")) if key == SYSTEM else TITLES[locale][key]


def telegram_page(said: str) -> Markup:
    """A message's HTML for a page: the few tags that reports have stay, everything else is text."""
    return Markup(_TAG.sub(r"<\1\2>", str(escape(said)).replace("&amp;", "&")))  # noqa: S704 - only known tags are let through


def _chart(locale: str) -> tuple[Chart, Birth]:
    birth = birth_of({**SAMPLE, "name": NAMES[locale == ZH]})
    return make_chart(birth, School(), None), birth


def _report(locale: str) -> tuple[Chart, Birth, ReportText]:
    """Composed without any service, so that it costs nothing."""
    chart, birth = _chart(locale)
    today = clock.now().astimezone(viewer_zone()).date()
    text = write_text(
        chart,
        birth,
        prompts.load(tenant_id(), locale),
        None,
        locale,
        on_progress=lambda _: None,
        deadline=SECONDS,
        today=today,
    )
    return chart, birth, text


@lru_cache(maxsize=16)
def _book(locale: str, shop: str, today: date) -> bytes:
    """Set once a day: it takes a core for a second, and whoever may only look may ask for it as often as he likes."""
    chart, birth, text = _report(locale)
    head = PdfHead(birth.name, shop, translate(locale, "BaZi report"), "SAMPLE", today, locale)
    return pdf.render(head, chart, text)


def _chosen() -> tuple[str, str]:
    return _checked(request.values.get("key", SYSTEM), request.values.get("lang", ZH))


def _checked(key: str, locale: str) -> tuple[str, str]:
    if key not in KEYS or locale not in LOCALES:
        raise NotFound
    return key, locale


def views() -> list[Any]:
    """The views of this feature."""
    return [ReportPromptsView(_l("Report prompts"), endpoint="report_prompts", url="report-prompts")]
