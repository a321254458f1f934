"""Two languages, whole: every message has its words, no words are left over, places are kept."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from noria.ui import language
from noria.ui.language import FOLDER, LANGUAGES, languages, wanted

from .conftest import Browser

UI = FOLDER.parent


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """All messages of templates and code."""
    pot = tmp_path_factory.mktemp("messages") / "noria.pot"
    words = ["-q", "extract", "-F", "locale/babel.cfg", "-k", "marked", "-k", "ngettext:1,2", "-o", str(pot), "."]
    subprocess.run([str(Path(sys.executable).with_name("pybabel")), *words], cwd=UI, check=True)
    return read_po(pot.open("rb"))


def kept(code: str) -> Catalog:
    with (FOLDER / code / "LC_MESSAGES" / "noria.po").open("rb") as file:
        return read_po(file, locale=code)


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_message_has_words_and_no_words_are_left_over(found: Catalog, code: str) -> None:
    catalogue = kept(code)
    messages = {one.id for one in found if one.id}
    assert {one.id for one in catalogue if one.id} == messages, "type: make messages"
    untranslated = [
        one.id for one in catalogue if one.id and not all([one.string] if isinstance(one.string, str) else one.string)
    ]
    assert untranslated == []
    assert not catalogue.obsolete


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_places_in_a_message_are_those_of_its_words(code: str) -> None:
    for one in kept(code):
        ids = [one.id] if isinstance(one.id, str) else list(one.id)
        texts = [one.string] if isinstance(one.string, str) else list(one.string)
        places = {name for id in ids for name in re.findall(r"%\((\w+)\)s", id)}
        for text in texts:
            assert set(re.findall(r"%\((\w+)\)s", text)) == places, one.id


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "en"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("zh-Hans", "zh"), ("de-DE,de;q=0.9", "en"), ("*", "en"),
        ("en-GB,zh;q=0.5", "en"), ("de,zh;q=0.5,en;q=0.4", "zh"), ("zh;q=x,en", "en"), (",,;q=,", "en"),
        ("é" * 500, "en"),
    ],
)  # fmt: skip
def test_a_browser_gets_its_language(header: str, code: str) -> None:
    assert wanted(header).code == code


def test_a_page_is_chinese_for_a_chinese_browser(seen: Browser) -> None:
    text = seen.page("/", **{"accept-language": "zh-CN"}).text
    assert '<html lang="zh-Hans">' in text
    assert "水车" in text
    assert not re.search(r">\s*(Runs|Models|Lead time|Alerts, newest first)\s*<", text)


def test_numbers_times_and_counts_are_written_in_the_language() -> None:
    english, chinese = languages()["en"], languages()["zh"]
    now = datetime(2026, 11, 28, 12, tzinfo=UTC)
    assert english.ago(now - timedelta(hours=2), now) == "2 hours ago"
    assert chinese.ago(now - timedelta(hours=2), now) == "2小时前"
    assert english.several("%(count)s batch", "%(count)s batches", 1) == "1 batch"
    assert english.several("%(count)s batch", "%(count)s batches", 1_200) == "1,200 batches"
    assert chinese.several("%(count)s batch", "%(count)s batches", 2) == "2 个批次"
    assert (english.percent(0.5), english.percent(0.123)) == ("50%", "12.3%")
    assert english.number(1_234_567) == "1,234,567"
    assert english.lasting(0.25) == "0.25 s"


def test_a_percent_sign_is_no_place() -> None:
    assert (
        languages()["en"].say("95 % interval of %(name)s and %(other)s", name="x") == "95 % interval of x and %(other)s"
    )


def test_the_catalogues_are_written_as_they_are_kept() -> None:
    before = {code: (FOLDER / code / "LC_MESSAGES" / "noria.po").read_bytes() for code in LANGUAGES}
    language.complete()
    assert {code: (FOLDER / code / "LC_MESSAGES" / "noria.po").read_bytes() for code in LANGUAGES} == before
