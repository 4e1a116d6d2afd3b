"""The languages do not drift: every text has its Chinese, and what is compiled is what is written."""

import re
from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages

from babel.messages.catalog import Catalog

import app
from app.core.errors import AppError
from app.core.i18n import ZH, translate
from app.domain import draw_verifier
from sandbox.texts import TEXTS
from tests import i18n

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\{\w+\}\}")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
OTHER_WORDS = re.compile(
    r"[「」『』]|……|(?<!抽)奖券|信标|补抽|参加|工作人员|员工添加|客服添加|[\u4e00-\u9fff][,;:?!()]"
    r"|[a-zA-Z\d)\]][,;:?!(][\u4e00-\u9fff]|支付渠道|发货|直推|推荐人|屏蔽|你"
    r"|支付(?!平台|回调|宝)"
    r"|死信|重放|轮换|吊销|核账|伙伴|秘钥|预扣|并发(?!到)"
)
"""What we say differently, see docs/words.md, and half-width marks after Chinese."""


def test_every_text_of_the_code_is_in_the_catalogue():
    ours = {message.id for message in i18n.load() if message.id}
    assert {m.id for m in i18n.collect() if m.id} - ours == set()


def test_the_catalogue_has_no_text_that_the_code_lost():
    ours = {message.id for message in i18n.load() if message.id}
    assert ours - {m.id for m in i18n.collect() if m.id} == set()


def test_every_text_has_a_certain_chinese_translation():
    assert i18n.lacking(i18n.load()) == []


def test_translations_keep_the_placeholders():
    for message in i18n.load():
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        for string in strings if message.id else ():
            assert set(PLACEHOLDER.findall(string)) == set(PLACEHOLDER.findall(ids[-1])), message.id


def test_the_compiled_catalogue_is_up_to_date():
    assert texts(i18n.read_compiled()) == texts(i18n.load())


def texts(catalogue: Catalog) -> set[tuple[object, object]]:
    """Every text with its translation, plural forms as tuples."""

    def fixed(text: object) -> object:
        return tuple(text) if isinstance(text, list | tuple) else text

    return {(fixed(m.id), fixed(m.string)) for m in catalogue if m.id}


def test_every_error_has_a_public_text_in_both_languages():
    for module in walk_packages(app.__path__, "app."):
        import_module(module.name)
    errors = {error for error in below(AppError) if error.__module__.startswith("app.")}
    assert len(errors) > 50
    assert [e for e in errors if not CHINESE.search(translate(ZH, e.message))] == []


def below(error: type[AppError]) -> Iterator[type[AppError]]:
    """All errors of a kind."""
    for one in error.__subclasses__():
        yield one
        yield from below(one)


def test_chinese_has_one_word_for_one_thing():
    assert [text for text in chinese() if OTHER_WORDS.search(text)] == []


def chinese() -> Iterator[str]:
    """All Chinese of ours: the catalogue, the verifiers (theirs are the same), the sandbox."""
    for message in i18n.load():
        if message.id:
            yield from message.string if isinstance(message.string, tuple) else (message.string,)
    yield from (text for _, text in draw_verifier.WORDS.values())
    yield from (text for text, _ in TEXTS.values())
