"""What new rows must be like, as a file that people read, edit and review: one TOML table a column."""

import math
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import tomli_w

from noria.errors import BadLifecycle
from noria.validate.config import check_rule
from noria.validate.expected import Columns, Expected
from noria.validate.rules import RULES, WORDS

FORMAT = 1
KINDS = ("number", "category", "bool", "time", "other")
KEYS = ("kind", "required", "missing", "least", "most", "categories", "unseen", "unique", "severity")
HEAD = f"""\
# What new rows of {{of}} must be like. Inferred from {{seen}}; yours to edit. In a column's table:
#   kind          {", ".join(KINDS)}
#   required      false: the column may be absent
#   missing       the largest share of missing values
#   least, most   the range of numbers
#   categories    the values there are
#   unseen        the largest share of rows with another value; 0: the categories are closed
#   unique        true: no value may come twice
#   severity      what a rule does for this column ({", ".join(WORDS)}), such as {{{{ range = "block" }}}}
# What is left out is not looked at. Rules: {", ".join(list(RULES)[:10])}, …
"""


def written(columns: Columns, of: str, seen: str) -> str:
    """The file's text.

    Parameters
    ----------
    of, seen
        The dataset, and what its columns were inferred from, for the reader.
    """
    tables = {name: _table(one) for name, one in columns.items()}
    return HEAD.format(of=of, seen=seen) + "\n" + tomli_w.dumps({"format": FORMAT, "columns": tables})


def _table(one: Expected) -> dict[str, Any]:
    shown: dict[str, Any] = {"kind": one.kind, "required": one.required, "missing": _up(one.missing, 2)}
    shown |= {"least": one.least, "most": one.most}
    if one.categories is not None:
        shown |= {"categories": list(one.categories), "unseen": _up(one.unseen, 3)}
    shown |= {"unique": one.unique or None, "severity": dict(one.severity) or None}
    return {name: value for name, value in shown.items() if value is not None}


def _up(share: float, digits: int) -> float:
    """Rounded so that what was let pass still is."""
    scale = float(10**digits)
    return min(1.0, math.ceil(round(share * scale, 6)) / scale)


def read(path: Path) -> dict[str, Expected]:
    """What a file says of each column.

    Raises
    ------
    BadLifecycle
        If there is no such file or it says what cannot be: with line and column.
    """
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except FileNotFoundError as error:
        do = f"Write it with: noria data schema DATASET --write {path.name}"
        raise BadLifecycle("there is no such file", where=str(path), do=do) from error
    except tomllib.TOMLDecodeError as error:
        raise BadLifecycle(f"this is no TOML: {error}", where=str(path), do="Correct that place.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadLifecycle(f"the schema cannot be read: {error}", where=str(path), do="Write it as UTF-8.") from error
    return _columns(raw, Text(path, text))


class Text:
    """The file as a person sees it: says where a mistake is."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.lines = path, text.splitlines()

    def wrong(self, what: str, do: str, column: str | None = None, *keys: str) -> BadLifecycle:
        line = self._line(column, keys)
        named = f", column {column}" if column is not None else ""
        return BadLifecycle(what, where=f"{self.path.name}{f':{line}' if line else ''}{named}", do=do)

    def _line(self, column: str | None, keys: Sequence[str]) -> int | None:
        """Of a column's table, or of the first of these keys in it; None if it is written in an unusual way."""
        begin = 0
        if column is not None:
            name = re.escape(column)
            begin = self._first(rf"\s*\[\s*columns\s*\.\s*(?:{name}|\"{name}\"|'{name}')\s*[.\]]", 0) or 0
            if not begin:
                return None
        named = (self._first(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", begin) for key in keys)
        return next((line for line in named if line), begin or None)

    def _first(self, pattern: str, after: int) -> int | None:
        places = (number for number, line in enumerate(self.lines, 1) if number > after and re.match(pattern, line))
        return next(places, None)


def _columns(raw: Mapping[str, Any], text: Text) -> dict[str, Expected]:
    unknown = sorted(raw.keys() - {"format", "columns"})
    if unknown:
        raise text.wrong(f"there is no setting {unknown[0]!r}", f"Write [columns.{unknown[0]}].", None, unknown[0])
    if raw.get("format", FORMAT) != FORMAT:
        raise text.wrong(f"format {raw['format']!r} is not known", f"Write format = {FORMAT}.", None, "format")
    columns = raw.get("columns")
    if not isinstance(columns, dict) or not columns:
        raise text.wrong("it names no column", "Write a table [columns.NAME] for each.", None, "columns")
    return {name: _column(name, table, text) for name, table in columns.items()}


def _column(name: str, table: Any, text: Text) -> Expected:
    if not isinstance(table, dict):
        raise text.wrong(f"{name} is no table", f"Write [columns.{name}].", None, name)
    for key, value in table.items():
        if key not in KEYS:
            near = get_close_matches(key, KEYS, n=1)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            raise text.wrong(f"there is no setting {key!r}", f"{hint}Settings are {', '.join(KEYS)}.", name, key)
        if not CHECKS[key][0](value):
            raise text.wrong(f"{key} is {value!r}", f"Write {CHECKS[key][1]}.", name, key)
    _agree(name, table, text)
    for rule, word in table.get("severity", {}).items():
        try:
            check_rule(rule, word, name)
        except BadLifecycle as error:
            raise text.wrong(error.what, error.do, name, str(rule), "severity") from error
    closed = {"unseen": 0.0} if "categories" in table else {}
    return Expected(**{**closed, **table})


def _agree(name: str, table: Mapping[str, Any], text: Text) -> None:
    """What stands in a table must make sense together."""
    kind = table.get("kind")
    for keys, kinds in ((("least", "most"), ("number",)), (("categories", "unseen"), ("category", "bool"))):
        for key in keys:
            if key in table and kind not in (None, *kinds):
                raise text.wrong(f"{key} says nothing of a {kind}", f"Remove it, or write {kinds[0]!r}.", name, key)
    if "unseen" in table and "categories" not in table:
        raise text.wrong("unseen stands without categories", "Write categories = [...] too.", name, "unseen")
    if "least" in table and "most" in table and table["least"] > table["most"]:
        raise text.wrong(f"least {table['least']} is above most {table['most']}", "Exchange them.", name, "least")


def _is_share(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 1


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool)


def _is_list_of_texts(value: Any) -> bool:
    texts = isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)
    return texts and len(set(value)) == len(value)


CHECKS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "kind": (lambda value: value in KINDS, f"one of {', '.join(KINDS)}"),
    "required": (_is_truth, "true or false"),
    "missing": (_is_share, "a share from 0 to 1"),
    "least": (_is_number, "a number"),
    "most": (_is_number, "a number"),
    "categories": (_is_list_of_texts, 'a list of texts, each once, such as ["no", "yes"]'),
    "unseen": (_is_share, "a share from 0 to 1"),
    "unique": (_is_truth, "true or false"),
    "severity": (lambda value: isinstance(value, dict), 'a table such as { range = "block" }'),
}
