"""The languages do not drift: every text has its Chinese, and what is compiled is what is written."""

import re

from babel.messages.catalog import Catalog

from tests import i18n

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\{\w+\}\}")


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
