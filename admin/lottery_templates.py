"""Templates of lotteries: made from one, used with a click, repeated by themselves every day or week."""

from datetime import time
from typing import Any, ClassVar

from babel.dates import get_day_names
from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import get_locale, gettext, ngettext
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectChoice, SelectField, TimeField
from wtforms.validators import InputRequired, Optional

from admin.acts import act, row_id, sent
from admin.base import PageView
from admin.changes import refuse
from admin.forms import AdminForm
from admin.guard import tenant_id, viewer
from admin.lottery_parts import chosen_lottery
from admin.lottery_presets import PRESETS
from admin.menu import Group
from app.core.errors import AppError, NotFound
from app.core.queue import transaction
from app.domain.people import Role
from app.domain.repeats import DAY_MINUTES, Repeat
from app.models import Lottery, LotteryTemplate
from app.services import bots
from app.services.lotteries import templates

NOON = time(12)


class RepeatForm(AdminForm):
    """When a template makes its next lottery."""

    also_posted = frozenset({"id"})
    repeat = RadioField(
        _l("Repeat"),
        choices=[
            SelectChoice(Repeat.NEVER.value, _l("Only by hand")),
            SelectChoice(Repeat.DAILY.value, _l("Every day")),
            SelectChoice(Repeat.WEEKLY.value, _l("Every week")),
        ],
        default=Repeat.NEVER.value,
    )
    weekday = SelectField(_l("Day"), choices=[], coerce=int, validate_choice=False, validators=[Optional()])
    at = TimeField(_l("Opens at"), [InputRequired()], default=NOON)


class LotteryTemplatesView(PageView):
    """`/admin/lottery-templates/`."""

    group, menu_of = Group.GROWTH, "lotteries"
    roles: ClassVar[dict[str, Role | None]] = dict.fromkeys(
        ("keep", "use", "repeat_view", "pause", "resume", "remove"), Role.MANAGER
    )

    @expose("/")
    def index_view(self) -> Any:
        """All templates, and those to begin with."""
        found = templates.list_templates(tenant_id())
        names = {bot.id: bots.label(bot) for bot in bots.list_bots(tenant_id())}
        return self.render(
            "admin/lotteries/templates.html",
            templates=found,
            bot_name=lambda template: names.get(template.bot_id, ""),
            rhythm=rhythm,
            span=span,
            presets=PRESETS,
            may_change=viewer().may(Role.MANAGER),
        )

    @expose("/keep/", methods=("POST",))
    def keep(self) -> Any:
        """Makes a template of a lottery."""
        with transaction():
            lottery = chosen_lottery()
        name = sent("id", "name")[1].strip()
        if act(lambda: templates.save_lottery(lottery.id, name), gettext("Kept as a template.")):
            return self._back()
        return redirect(url_for("lotteries.details_view", id=lottery.id), 303)

    @expose("/use/", methods=("POST",))
    def use(self) -> Any:
        """Makes a draft and opens it for changes."""
        template = self._chosen(sent("id")[0])
        made: list[Lottery] = []
        if act(lambda: made.append(templates.create_from(template.id))) and made:
            return redirect(url_for("lottery_form.edit_view", id=made[0].id), 303)
        return self._back()

    @expose("/repeat/", methods=("GET", "POST"))
    def repeat_view(self) -> Any:
        """When it makes the next one by itself."""
        ids = set(request.values.getlist("id"))
        template = self._chosen(ids.pop() if len(ids) == 1 else "")
        form = RepeatForm(request.form or None, data=self._entered(template))
        form.weekday.choices = [(day, name) for day, name in enumerate(weekdays())]
        if request.method == "POST" and form.validate() and self._set(template, form):
            return self._back()
        return self.render("admin/lotteries/repeat.html", chosen=template, form=form, span=span)

    @staticmethod
    def _entered(template: LotteryTemplate) -> dict[str, Any]:
        at = time(*divmod(template.at_minute, 60)) if template.repeat else NOON
        return {"repeat": template.repeat, "weekday": template.weekday, "at": at}

    @staticmethod
    def _set(template: LotteryTemplate, form: RepeatForm) -> bool:
        repeat, at = Repeat(form.repeat.data), form.at.data
        weekday = form.weekday.data if repeat is Repeat.WEEKLY else 0
        try:
            with transaction():
                templates.set_repeat(template.id, repeat, at.hour * 60 + at.minute, weekday or 0)
        except NotFound:
            raise
        except AppError as error:
            refuse(error, form)
            return False
        flash(gettext("Saved"), "success")
        return True

    @expose("/pause/", methods=("POST",))
    def pause(self) -> Any:
        """No more by itself."""
        template = self._chosen(sent("id")[0])
        act(lambda: templates.pause(template.id), gettext("Paused."))
        return self._back()

    @expose("/resume/", methods=("POST",))
    def resume(self) -> Any:
        """Goes on with the next turn."""
        template = self._chosen(sent("id")[0])
        act(lambda: templates.resume(template.id), gettext("It goes on with the next turn."))
        return self._back()

    @expose("/remove/", methods=("POST",))
    def remove(self) -> Any:
        """Forgets a template."""
        template = self._chosen(sent("id")[0])
        act(lambda: templates.remove(template.id), gettext("The template was deleted."))
        return self._back()

    @staticmethod
    def _chosen(raw: str) -> LotteryTemplate:
        with transaction():
            template = templates.get(row_id(raw))
        if template.tenant_id != tenant_id():
            raise NotFound
        return template

    @staticmethod
    def _back() -> Any:
        return redirect(url_for(".index_view"), 303)


def weekdays() -> list[str]:
    """Names of the days, Monday first."""
    names = get_day_names("wide", locale=get_locale())
    return [str(names[day]) for day in range(7)]


def rhythm(template: LotteryTemplate) -> str:
    """How a template repeats, in words."""
    at = f"{time(*divmod(template.at_minute, 60)):%H:%M}"
    if template.repeat == Repeat.DAILY:
        return str(gettext("Every day at %(time)s", time=at))
    if template.repeat == Repeat.WEEKLY:
        return str(gettext("Every %(day)s at %(time)s", day=weekdays()[template.weekday], time=at))
    return str(gettext("Only by hand"))


def span(minutes: int) -> str:
    """How long a lottery of a template is open, in its largest units."""
    days, rest = divmod(minutes, DAY_MINUTES)
    hours, rest = divmod(rest, 60)
    words = [
        ngettext("%(num)s day", "%(num)s days", days) if days else "",
        ngettext("%(num)s hour", "%(num)s hours", hours) if hours else "",
        ngettext("%(num)s minute", "%(num)s minutes", rest) if rest and not days else "",
    ]
    return " ".join(str(word) for word in words if word)


def views() -> list[Any]:
    """The views of this feature."""
    return [LotteryTemplatesView(_l("Templates"), endpoint="lottery_templates", url="lottery-templates")]
