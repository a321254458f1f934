"""The pages' languages: one catalogue each, read once; which one a browser gets follows from what it asks for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from babel import Locale, negotiate_locale
from babel.dates import format_datetime, format_timedelta
from babel.messages.pofile import read_po, write_po
from babel.numbers import format_decimal, format_percent

LANGUAGES = ("en", "zh")  # the first is what the messages are written in
PLACE = re.compile(r"%\((\w+)\)s")
FOLDER = Path(__file__).with_name("locale")
MOST = 20  # languages of a browser that are looked at


@dataclass(frozen=True, slots=True)
class Language:
    """A language: its words, and how it writes times and numbers."""

    code: str
    words: Mapping[str, str]
    locale: Locale

    def say(self, message: str, **values: object) -> str:
        """A message with its values filled in."""
        return _filled(self.words.get(message) or message, values)

    def several(self, one: str, many: str, count: int, **values: object) -> str:
        """The same, by how many there are; Chinese has one form."""
        message = one if self.code == LANGUAGES[0] and count == 1 else many
        return _filled(self.words.get(message) or message, {"count": self.number(count), **values})

    def time(self, at: datetime) -> str:
        """A time in this machine's zone, to the minute."""
        return format_datetime(at.astimezone(), "y-MM-dd HH:mm", locale=self.locale)

    def ago(self, at: datetime, now: datetime) -> str:
        """How long ago something was."""
        return format_timedelta(at - now, add_direction=True, locale=self.locale, threshold=1.2)

    def lasting(self, seconds: float) -> str:
        """A span of time, as short as it can be read."""
        if seconds < 60:
            return f"{seconds:.3g} s" if seconds < 10 else f"{seconds:.0f} s"
        return format_timedelta(seconds, locale=self.locale, threshold=1.2, format="short")  # type: ignore[arg-type]

    def number(self, value: float) -> str:
        """A number with at most four digits behind the point, a whole one with all of its digits."""
        if isinstance(value, int):
            return str(format_decimal(value, locale=self.locale))
        return f"{value:.4g}"

    def percent(self, share: float) -> str:
        """A share of 1, in percent."""
        return str(format_percent(share, format="#,##0.#%" if 0 < abs(share) < 0.995 else "#,##0%", locale=self.locale))


def _filled(message: str, values: Mapping[str, object]) -> str:
    """A message whose places ``%(name)s`` are filled; any other percent sign is one."""
    return PLACE.sub(lambda found: str(values.get(found[1], found[0])), message)


@cache
def languages() -> dict[str, Language]:
    """All of them, by code."""
    return {code: Language(code, _words(code), Locale.parse(code)) for code in LANGUAGES}


def wanted(header: str) -> Language:
    """The language of a browser that sends this ``Accept-Language``; the first if it names none that there is."""
    parts = [part.partition(";") for part in header.split(",")[:MOST]]
    ranked = sorted(parts, key=lambda part: -_quality(part[2]))
    names = [name.strip().replace("-", "_") for name, _, _ in ranked if name.strip()]
    return languages()[negotiate_locale(names, LANGUAGES) or LANGUAGES[0]]


def _quality(text: str) -> float:
    try:
        return float(text.strip().removeprefix("q=")) if text.strip() else 1.0
    except ValueError:
        return 0.0


def _words(code: str) -> dict[str, str]:
    with (FOLDER / code / "LC_MESSAGES" / "noria.po").open("rb") as file:
        found = read_po(file, locale=code)
    words: dict[str, str] = {}
    for message in found:
        if message.id and message.string:
            key, text = message.id, message.string
            words[key if isinstance(key, str) else key[1]] = text if isinstance(text, str) else text[-1]
    return words


def complete() -> None:
    """Write the catalogues as they are kept: without a head, the first language's words those of its messages."""
    for code in LANGUAGES:
        file = FOLDER / code / "LC_MESSAGES" / "noria.po"
        with file.open("rb") as source:
            found = read_po(source, locale=code)
        for message in found:
            if message.id and code == LANGUAGES[0]:
                message.string = message.id
        with file.open("wb") as target:
            write_po(target, found, width=118, omit_header=True, sort_output=True, no_location=True)
