"""The boss's bots: add one by its token, see how each is, and mend it. The pages refresh by themselves."""

from collections.abc import Callable
from typing import Any, ClassVar

from flask import abort, flash, make_response, redirect, request, url_for
from flask_admin import expose
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l

from admin.acts import sent
from admin.base import PageView
from admin.bot_parts import REPAIRS, NewBotForm, TokenForm, chosen_bot, qr_code, words
from admin.changes import refuse
from admin.dashboard import state_of
from admin.dead_letters import DeadLettersView
from admin.guard import tenant_id, viewer
from app.core.errors import AppError, BadInput, NotFound
from app.core.i18n import LOCALES
from app.core.queue import transaction
from app.core.settings import get_settings
from app.domain.bot_health import Repair
from app.domain.bots import BotState, Mode, find_token
from app.domain.people import Role
from app.models import Bot
from app.services import bots, dead_letters, health, outbox

PAGE = 24


class BotsView(PageView):
    """`/admin/bots/`."""

    icon = "bot"
    order = 10
    phone_tab = True
    lead = _l("Each bot and how it is right now.")
    roles: ClassVar[dict[str, Role | None]] = dict.fromkeys(
        (
            "create_view",
            "test",
            "start",
            "stop",
            "mode",
            "token",
            "language",
            "secret",
            "repair",
            "remove",
        ),
        Role.MANAGER,
    )

    # --- looking
    @expose("/")
    def index_view(self) -> Any:
        """All bots as tiles."""
        return self.render("admin/bots/list.html", **self._tiles())

    @expose("/live/")
    def list_live(self) -> Any:
        """The tiles alone."""
        return self.render("admin/bots/_list.html", **self._tiles())

    @expose("/details/")
    def details_view(self) -> Any:
        """One bot with its health card."""
        bot = chosen_bot()
        token_form = TokenForm()
        return self.render("admin/bots/details.html", token_form=token_form, **self._facts(bot))

    @expose("/details/live/")
    def details_live(self) -> Any:
        """The health card alone, at first more often than later."""
        bot = chosen_bot()
        page = make_response(self.render("admin/bots/_health.html", **self._facts(bot)))
        page.headers["Live-Every"] = "1" if bot.enabled and bot.state is BotState.STARTING else "4"
        return page

    # --- adding
    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """Paste the token: it is checked with Telegram, then the bot runs."""
        form = NewBotForm(request.form or None)
        if not get_settings().public_url:
            del form.mode
        if request.method == "POST" and form.validate():
            bot = self._try(lambda: self._create(form), form)
            if bot:
                flash(gettext("%(bot)s is yours. It answers in a moment.", bot=bots.label(bot)), "success")
                return redirect(url_for(".details_view", id=bot.id), 303)
        self._forget_token(form)
        return self.render("admin/bots/create.html", form=form)

    @staticmethod
    def _create(form: Any) -> Bot:
        owner = tenant_id()
        with transaction():
            bots.check_limit(owner)
        checked = bots.check_token(form.token.data)
        with transaction():
            return bots.create(owner, checked, mode=Mode(form.mode.data) if "mode" in form else Mode.POLLING)

    # --- changing
    @expose("/test/", methods=("POST",))
    def test(self) -> Any:
        """Asks Telegram now and says in plain words what came out."""
        with transaction():
            asked = health.question(chosen_bot())
        sent("id")
        answer = health.ask(asked, who=True)
        with transaction():
            health.record(answer)
            if answer.failure is None:
                health.retry_now(asked.bot_id)
            reading = health.read(bots.get(asked.bot_id))
        if reading is None or (answer.failure is None and reading.repair is Repair.START):
            flash(gettext("Telegram knows the bot and everything is as it should be."), "success")
        else:
            flash(words(reading), "warning")
        return self._back(asked.bot_id)

    @expose("/start/", methods=("POST",))
    def start(self) -> Any:
        """Starts."""
        return self._do(lambda bot: bots.set_enabled(bot.id, True), gettext("The bot is starting."))

    @expose("/stop/", methods=("POST",))
    def stop(self) -> Any:
        """Stops."""
        said = gettext("The bot is stopped. Telegram keeps new messages for a day.")
        return self._do(lambda bot: bots.set_enabled(bot.id, False), said)

    @expose("/mode/", methods=("POST",))
    def mode(self) -> Any:
        """Switches between polling and webhook."""
        wanted = _one_of(Mode, "mode")
        return self._do(
            lambda bot: bots.set_mode(bot.id, wanted), gettext("Switched. It takes effect at once."), "mode"
        )

    @expose("/language/", methods=("POST",))
    def language(self) -> Any:
        """The language of the bot's texts."""
        locale = request.form.get("locale") or None
        if locale is not None and locale not in LOCALES:
            raise BadInput
        return self._do(lambda bot: bots.set_locale(bot.id, locale), gettext("Saved"), "locale")

    @expose("/secret/", methods=("POST",))
    def secret(self) -> Any:
        """A new webhook secret."""
        return self._do(
            lambda bot: bots.rotate_secret(bot.id), gettext("Telegram is given a new secret now.")
        )

    @expose("/repair/", methods=("POST",))
    def repair(self) -> Any:
        """Does what the card proposes."""
        action = _one_of(Repair, "action")
        return self._do(
            lambda bot: bots.repair(bot.id, action), gettext("Done. Watch the status above."), "action"
        )

    @expose("/token/", methods=("POST",))
    def token(self) -> Any:
        """Puts a new token of the same bot in place."""
        with transaction():
            bot = chosen_bot()
        form = TokenForm(request.form or None)
        if form.validate() and self._try(lambda: self._replace(bot.id, form.token.data), form):
            flash(gettext("The new token is in place. Everything else stayed as it was."), "success")
            return self._back(bot.id)
        self._forget_token(form)
        page = self.render("admin/bots/details.html", token_form=form, open_token=True, **self._facts(bot))
        return make_response(page, 200)

    @staticmethod
    def _replace(bot_id: int, pasted: str) -> Bot:
        checked = bots.check_token(pasted)
        with transaction():
            outbox.release_held(bot_id)
            return bots.update_token(bot_id, checked)

    @expose("/remove/", methods=("POST",))
    def remove(self) -> Any:
        """Removes the bot when its name was typed."""
        with transaction():
            bot = chosen_bot()
            typed = sent("id", "typed")[1].strip().removeprefix("@").lower()
            sure = typed == bots.label(bot).removeprefix("@").lower()
            if sure:
                bots.remove(bot.id)
        if not sure:
            flash(gettext("The name did not match, so nothing was removed."), "error")
            return self._back(bot.id)
        flash(gettext("%(bot)s was removed.", bot=bots.label(bot)), "success")
        return redirect(url_for(".index_view"), 303)

    # --- helpers
    def _do(self, act: Callable[[Bot], object], said: str, *fields: str) -> Any:
        """Runs a change of one bot and goes back to its page. The form holds `fields` beside the bot's id."""
        with transaction():
            bot = chosen_bot()
        sent("id", *fields)

        def change() -> bool:
            with transaction():
                act(bot)
            return True

        if self._try(change):
            flash(said, "success")
        return self._back(bot.id)

    @staticmethod
    def _try(act: Callable[[], Any], form: Any = None) -> Any:
        """What `act` gives, or None when a service refused, which is then shown."""
        try:
            return act()
        except NotFound:
            raise
        except AppError as error:
            if form is not None and isinstance(
                error, bots.BadToken | bots.TokenRefused | bots.WrongBot | bots.BotTaken | bots.OwnBot
            ):
                form.add_error(error.text(str(get_locale())), "token")
            else:
                refuse(error, form)
        return None

    @staticmethod
    def _forget_token(form: Any) -> None:
        """A page shown again does not hold the token; what is none may stay for mending."""
        if find_token(form.token.data or ""):
            form.token.data = ""

    @staticmethod
    def _back(bot_id: int) -> Any:
        return redirect(url_for(".details_view", id=bot_id), 303)

    @staticmethod
    def _tiles() -> dict[str, Any]:
        after = request.args.get("after", "0")
        if not (after.isascii() and after.isdigit()) or len(after) > 18:
            abort(404)
        rows = bots.list_bots(tenant_id(), limit=PAGE + 1, after=int(after))
        return {
            "cards": list(zip(rows, health.cards(rows[:PAGE]), strict=False)),
            "after": int(after),
            "more": rows[PAGE - 1].id if len(rows) > PAGE else None,
            "state_of": state_of,
            "words": words,
            "may_change": viewer().may(Role.MANAGER),
        }

    @staticmethod
    def _facts(bot: Bot) -> dict[str, Any]:
        return {
            "bot": bot,
            "card": health.card(bot),
            "state": state_of(bot),
            "words": words,
            "repairs": REPAIRS,
            "qr_code": qr_code(f"https://t.me/{bot.username}") if bot.username else "",
            "dead": dead_letters.count(bot.tenant_id, bot.id) if viewer().may(DeadLettersView.role) else 0,
            "public": bool(get_settings().public_url),
            "may_change": viewer().may(Role.MANAGER),
        }


def _one_of(kind: Any, name: str) -> Any:
    try:
        return kind(request.form.get(name, ""))
    except ValueError:
        raise BadInput from None


def views() -> list[Any]:
    """The views of this feature."""
    return [BotsView(_l("Bots"), endpoint="bots", url="bots")]
