"""Making and changing a lottery: the form with its live preview, looking at channels, and the page before publishing."""

from datetime import timedelta
from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l

from admin.acts import act, row_id, sent
from admin.base import PageView
from admin.changes import refuse
from admin.forms import clean_text, viewer_zone
from admin.guard import tenant_id, viewer
from admin.lottery_fields import ChannelRow, LotteryForm, PrizeRow, chat_of, filled, tomorrow_evening
from admin.lottery_parts import STATES, chosen_lottery
from admin.lottery_presets import PRESETS, body_of
from admin.lottery_preview import shown_card, typed_card
from admin.menu import Group
from app.core import clock
from app.core.errors import AppError, NotFound
from app.core.queue import transaction
from app.domain import lottery_spec
from app.domain.lotteries import LotteryState
from app.domain.lottery_fields import BadSpec
from app.domain.people import Role
from app.domain.wording import Place
from app.models import Bot, Lottery
from app.services import bots, tenants
from app.services.lotteries import figures, lookup, manage, spec
from app.services.lotteries.chats import Looked, Sight, look

CHANGEABLE = (LotteryState.DRAFT, LotteryState.SCHEDULED)
SIGHTS: dict[Sight, tuple[str, Any]] = {
    Sight.READY: ("ok", _l("The bot is an administrator there. Everything works.")),
    Sight.MEMBER: (
        "warn",
        _l("The bot is a plain member: it can post. Make it an administrator so that it sees who is in."),
    ),
    Sight.NO_RIGHTS: ("bad", _l("Make the bot an administrator who may post, then check again.")),
    Sight.OUTSIDE: ("bad", _l("The bot is not in there. Add it as an administrator, then check again.")),
    Sight.UNKNOWN: ("bad", _l("Telegram knows no such channel or group, or the bot was never in it.")),
    Sight.AWAY: ("warn", _l("Telegram did not answer. Try again in a moment.")),
}


class LotteryFormView(PageView):
    """`/admin/lottery-form/`."""

    role = Role.MANAGER
    group, menu_of = Group.GROWTH, "lotteries"
    roles: ClassVar[dict[str, Role | None]] = {}

    @expose("/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """A new one; `preset` or `copy` fill the form in."""
        form = LotteryForm(request.form or None, data=self._initial())
        if request.method == "POST" and (made := self._save(form)) is not None:
            return self._done(made)
        return self._page(form, None)

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:
        """A draft, or one that has not opened yet."""
        lottery = chosen_lottery()
        if lottery.state not in CHANGEABLE:
            flash(gettext("It has opened, so its rules stay as they are. You can make a copy."), "warning")
            return redirect(url_for("lotteries.details_view", id=lottery.id), 303)
        form = LotteryForm(request.form or None, data=stored(lottery))
        if request.method == "POST" and (made := self._save(form, lottery)) is not None:
            return self._done(made)
        return self._page(form, lottery)

    @expose("/preview/", methods=("POST",))
    def preview(self) -> Any:
        """The card of what stands in the form."""
        form = LotteryForm(request.form)
        closes_at = form.closes_at.data or tomorrow_evening()
        card = typed_card(form.written(), closes_at, self._place(form))
        return self.render("admin/lotteries/_card.html", card=card, picture=form.picture.data)

    @expose("/look/", methods=("POST",))
    def look_at(self) -> Any:
        """Whether the bot is in a channel and may do there what it needs to."""
        bot_id, chat = sent("bot_id", "chat")
        with transaction():
            token = _own_bot(bot_id).token
        return self._sights(look_at_all(token, [chat_of(clean_text(chat))]))

    @expose("/publish/", methods=("GET", "POST"))
    def publish_view(self) -> Any:
        """What will be public, and the button that makes it so."""
        with transaction():
            lottery = chosen_lottery()
        if lottery.state is not LotteryState.DRAFT:
            return redirect(url_for("lotteries.details_view", id=lottery.id), 303)
        if request.method == "POST":
            return self._publish(lottery.id)
        prizes = lookup.prizes(lottery.id)
        return self.render(
            "admin/lotteries/publish.html",
            lottery=lottery,
            prizes=prizes,
            winners=sum(prize.quantity for prize in prizes),
            bot=bots.get(lottery.bot_id),
            state=STATES[lottery.state],
            late=lottery.closes_at <= clock.now(),
            card=shown_card(lottery, 0),
            picture=lottery.picture_id,
            chats=chats_of(lottery),
        )

    def _publish(self, lottery_id: int) -> Any:
        sent("id")
        beacon = manage.prepare_beacon()
        if act(lambda: manage.publish(lottery_id, beacon), gettext("Published.")):
            return redirect(url_for("lotteries.details_view", id=lottery_id), 303)
        return redirect(url_for(".publish_view", id=lottery_id), 303)

    @expose("/chats/")
    def chats_view(self) -> Any:
        """What the bot may do in every channel of a lottery; asked once when a page is opened."""
        with transaction():
            lottery = chosen_lottery()
            token, chats = bots.get(lottery.bot_id).token, chats_of(lottery)
        return self._sights(look_at_all(token, chats))

    # --- helpers
    def _sights(self, seen: list[Looked]) -> Any:
        page = self.render("admin/lotteries/_sights.html", sights=[(one, *SIGHTS[one.sight]) for one in seen])
        return page, 200, {"Live-Every": "0"}

    @staticmethod
    def _initial() -> dict[str, Any]:
        """What a new form holds."""
        preset, copied = PRESETS.get(request.args.get("preset", "")), request.args.get("copy")
        body: dict[str, Any] = body_of(preset) if preset else {}
        if copied:
            original = lookup.get(row_id(copied))
            if original.tenant_id != tenant_id():
                raise NotFound
            body = stored_body(original)
        found = bots.list_bots(tenant_id(), limit=1)
        closes_at = tomorrow_evening() + timedelta(days=preset.days - 1 if preset else 0)
        return filled(body) | {"closes_at": closes_at, "bot_id": found[0].id if found else None}

    def _save(self, form: LotteryForm, lottery: Lottery | None = None) -> Lottery | None:
        """The saved lottery, or None when something in the form is to be mended."""
        if not form.validate():
            return None
        try:
            wanted = spec.read(tenant_id(), form.written())
            with transaction():
                if lottery is None:
                    return manage.create(tenant_id(), form.bot_id.data, wanted)
                return manage.update(lottery.id, wanted, form.bot_id.data)
        except BadSpec as error:
            form.place(error, error.problem(str(get_locale())))
        except AppError as error:
            if isinstance(error, NotFound):
                raise
            refuse(error, form)
        return None

    @staticmethod
    def _done(lottery: Lottery) -> Any:
        if request.form.get("then") == "publish" and lottery.state is LotteryState.DRAFT:
            return redirect(url_for(".publish_view", id=lottery.id), 303)
        flash(gettext("Saved"), "success")
        return redirect(url_for("lotteries.details_view", id=lottery.id), 303)

    def _page(self, form: LotteryForm, lottery: Lottery | None) -> str:
        closes_at = form.closes_at.data or tomorrow_evening()
        return self.render(
            "admin/lotteries/form.html",
            form=form,
            lottery=lottery,
            picture=form.picture.data,
            blank_prize=PrizeRow(prefix="prizes-__index__-"),
            blank_channel=ChannelRow(prefix="channels-__index__-"),
            used_chats=figures.used_chats(tenant_id()),
            card=typed_card(form.written(), closes_at, self._place(form)),
            wall_clock=clock.now().astimezone(viewer_zone()).strftime("%Y-%m-%dT%H:%M"),
            tomorrow=tomorrow_evening().strftime("%Y-%m-%dT%H:%M"),
            bots=bots.list_bots(tenant_id(), limit=2),
        )

    @staticmethod
    def _place(form: LotteryForm) -> Place:
        """Language and zone of the chosen bot's posts."""
        chosen = form.bot_id.data
        bot = next((each for each in bots.list_bots(tenant_id()) if each.id == chosen), None)
        return Place((bot.locale if bot else None) or tenants.get(tenant_id()).locale, viewer().timezone)


def look_at_all(token: str, chats: list[str]) -> list[Looked]:
    """Each chat as the bot sees it; once Telegram does not answer, the rest is not asked."""
    seen: list[Looked] = []
    for chat in chats:
        away = bool(seen) and seen[-1].sight is Sight.AWAY
        seen.append(Looked(chat, Sight.AWAY) if away else look(token, chat))
    return seen


def _own_bot(raw: str) -> Bot:
    bot = bots.get(row_id(raw))
    if bot.tenant_id != tenant_id() or bot.removed_at is not None:
        raise NotFound
    return bot


def stored_body(lottery: Lottery) -> dict[str, Any]:
    """A lottery as JSON."""
    return lottery_spec.dump(spec.of(lottery, lookup.prizes(lottery.id)))


def stored(lottery: Lottery) -> dict[str, Any]:
    """A lottery as the form's data."""
    moments = {"opens_at": lottery.opens_at, "closes_at": lottery.closes_at, "bot_id": lottery.bot_id}
    return filled(stored_body(lottery)) | moments


def chats_of(lottery: Lottery) -> list[str]:
    """The channels that it is published to or asks for."""
    asked = [str(row["chat"]) for row in lottery.conditions if isinstance(row, dict) and row.get("chat")]
    boosted = str(lottery.tickets.get("boost_chat") or "")
    chats = [str(chat) for chat in lottery.publish_to]
    return list(dict.fromkeys(chat for chat in [*chats, *asked, boosted] if chat))


def views() -> list[Any]:
    """The views of this feature."""
    return [LotteryFormView(_l("New lottery"), endpoint="lottery_form", url="lottery-form")]
