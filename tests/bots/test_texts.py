"""The boss's own texts and buttons: what he may write, and what it never does."""

import time

import pytest

from app.core.db import db
from app.core.errors import BadInput, NotFound
from app.core.i18n import EN, ZH, translate
from app.core.queue import transaction
from app.core.tenancy import tenant_scope
from app.domain.bot_texts import MAIN_TEXTS, check_item, check_link, check_text, fill
from app.models import AuditEvent, Bot, BotText
from app.services import bot_texts
from app.services.bots.apply import COMMANDS
from tests.cast import Cast
from tests.inbox_tools import make_bot

WELCOME = MAIN_TEXTS["welcome"]
PAYLOADS = [
    "{u.__class__}",
    "{0.__class__.__mro__}",
    "{name}",
    "{name!r}",
    "%(name)s",
    "%s%s%s%n",
    "${name}",
    "#{7*7}",
    "<%= 7*7 %>",
    "{% for x in y %}",
    "{# comment #}",
    "{{{name}}",
    "\\{\\{name\\}\\}",
    "{ {name} }",
    "$(reboot)",
    "`id`",
    "=1+1",
    "<script>alert(1)</script>",
    "a\nb",
    "{",
    "}}",
    "{}",
    "%",
    "{name.__init__.__globals__[SECRET]}",
    "{config}",
]


@pytest.fixture
def bot(cast: Cast) -> Bot:
    return make_bot(cast.tenant)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_but_a_placeholder_is_ever_replaced(payload: str):
    assert fill(payload, {}) == payload
    assert "SECRET" not in fill(payload, {"name": "Lin"}) or "SECRET" in payload
    assert "class '" not in fill(payload, {"name": "Lin"})


def test_placeholders_are_replaced_once():
    values = {"name": "{{bot}} {{name}}", "bot": "@shop_bot"}
    assert (
        fill("Hi {{name}}, I am {{ bot }}. {{other}}", values)
        == "Hi {{bot}} {{name}}, I am @shop_bot. {{other}}"
    )


@pytest.mark.parametrize(
    "body", ["{{ config }}", "{{7*7}}", "{{name", "{{}}", "{{ name.x }}", "{{NAME}}", "{{self}}"]
)
def test_an_unknown_placeholder_is_refused_by_name(body: str):
    with pytest.raises(BadInput):
        check_text(WELCOME, f"Hello {body}")


@pytest.mark.parametrize(
    "body", ["x" * 4097, "😀" * 2049, "x" * 1_000_000, "{{name}}" * 10_000, "{{name}}" * 21]
)
def test_too_much_is_refused_quickly(body: str):
    started = time.monotonic()
    with pytest.raises(BadInput):
        check_text(WELCOME, body)
    assert time.monotonic() - started < 0.1


@pytest.mark.parametrize(
    "body", ["{{" * 2000, "{{ " * 1300, "{{a" * 1300, "a{" * 2000, "}}" * 2000, "{{" + "_" * 4000]
)
def test_evil_texts_cost_no_time(body: str):
    started = time.monotonic()
    fill(body, {"name": "x"})
    with pytest.raises(BadInput) if "{{" in body else pytest.MonkeyPatch.context():
        check_text(WELCOME, body)
    assert time.monotonic() - started < 0.05


def test_control_characters_go_and_lines_stay():
    assert check_text(WELCOME, " a\x00b\r\nc\u202ed\n\ne ") == "ab\ncd\n\ne"


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/",
        "javascript:alert(1)",
        "https://",
        "https://localhost/",
        "https://user:pass@shop.example/",
        "https://shop.example/ x",
        "https://shop.example:99999/",
        "https://[::1]/",
        "https://127.0.0.1/",
        'https://shop.example/"onclick="x',
        "https://商店.example/",
        "https://shop.example/" + "x" * 600,
        "tg://resolve?domain=x",
        "//shop.example",
    ],
)
def test_links_that_telegram_would_refuse_are_refused(url: str):
    with pytest.raises(BadInput):
        check_link(url)


def test_a_button_shows_a_text_or_opens_a_link():
    assert check_item(" Shop ", None, "https://shop.example/a?b=c") == (
        "Shop",
        None,
        "https://shop.example/a?b=c",
    )
    for label, reply, url in (
        ("", "x", None),
        ("a", None, None),
        ("a", "x", "https://a.example"),
        ("a" * 41, "x", None),
    ):
        with pytest.raises(BadInput):
            check_item(label, reply, url)


def test_a_text_is_kept_by_language_and_an_empty_one_brings_the_default_back(bot: Bot):
    for body in ("First", "Second"):
        with transaction():
            bot_texts.save_text(bot, "welcome", EN, body)
    assert bot_texts.load(bot.id).bodies == {("welcome", EN): "Second"}
    with transaction():
        bot_texts.save_text(bot, "welcome", EN, "  ")
    assert db.session.query(BotText).count() == 0
    actions = [row.action for row in db.session.query(AuditEvent).order_by(AuditEvent.id)]
    assert actions == ["bot.text_changed", "bot.text_changed", "bot.text_reset"]


@pytest.mark.parametrize(("key", "locale"), [("nothing", EN), ("welcome", "fr"), ("welcome'; --", ZH)])
def test_only_known_texts_and_languages(bot: Bot, key: str, locale: str):
    with pytest.raises(BadInput), transaction():
        bot_texts.save_text(bot, key, locale, "x")


def test_a_change_makes_every_process_look_again(bot: Bot):
    before = bot.version
    with transaction():
        bot_texts.save_text(bot, "welcome", EN, "x")
    db.session.refresh(bot)
    assert bot.version == before + 1


def test_buttons_move_and_have_a_bound(bot: Bot):
    for label in "abc":
        with transaction():
            bot_texts.add_item(bot, label, "text", None)
    with transaction():
        bot_texts.raise_item(bot, bot_texts.load(bot.id).items[2].id)
    assert [item.label for item in bot_texts.load(bot.id).items] == ["a", "c", "b"]
    with transaction():
        for number in range(17):
            bot_texts.add_item(bot, f"{number}", "text", None)
    with pytest.raises(bot_texts.TooManyButtons), transaction():
        bot_texts.add_item(bot, "one more", "text", None)


def test_the_buttons_of_another_tenant_cannot_be_reached(bot: Bot, cast: Cast):
    theirs = make_bot(cast.other_tenant, 2)
    their_id = theirs.id
    with transaction():
        bot_texts.add_item(theirs, "a", "text", None)
    item = bot_texts.load(their_id).items[0]
    with tenant_scope(cast.tenant.id):
        for verb in (bot_texts.remove_item, bot_texts.raise_item):
            with pytest.raises(NotFound), transaction():
                verb(bot, item.id)
        assert bot_texts.load(their_id).items == ()


@pytest.mark.parametrize("locale", [EN, ZH])
def test_the_help_names_every_command_of_the_menu(locale: str):
    told = translate(locale, MAIN_TEXTS["help"].default)
    assert all(f"/{name} - " in told for name, _ in COMMANDS if name != "help")
