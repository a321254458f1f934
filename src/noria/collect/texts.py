"""Columns of a CSV file that its reader took for texts: numbers with words for missing ones, times, or texts indeed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

STRAYS = 0.02  # texts among numbers, as a share of the numbers, that are taken for mistakes
TIME = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d"
ZONED = r"(Z|[+-]\d\d:?\d\d)$"
MISSING = ("", "na", "n/a", "null", "none", "nan", "?", "-")


@dataclass(frozen=True, slots=True)
class Told:
    """What the values of a column are.

    numbers
        True if all of them are numbers or words for a missing one.
    stray
        The first text in a column that holds, but for a few such texts, only numbers.
    zones
        A time that names its zone and one that does not, in a column of times.
    """

    numbers: bool = False
    stray: str | None = None
    zones: tuple[str, str] | None = None


def told(rows: pl.LazyFrame, columns: Sequence[str]) -> dict[str, Told]:
    """What the values of text columns are; most are read no further than it takes to see that they are texts."""
    if not columns:
        return {}
    height = int(rows.select(pl.len()).collect().item())
    head = rows.select(columns).head(int(STRAYS * height) + 1).collect()
    open_ = [name for name in columns if not _surely_text(head[name])]
    if not open_:
        return {}
    found = rows.select(_counts(name) for name in open_).collect(engine="streaming").row(0, named=True)
    return {name: _judged(found[name]) for name in open_}


def _surely_text(head: pl.Series) -> bool:
    """True if there are more strays than there may be, whatever follows, and no times among them."""
    first = head.drop_nulls()
    if first.is_empty() or re.match(TIME, first[0]):
        return False
    return head.to_frame().select(_stray(head.name).all()).item() is True


def _number(name: str) -> pl.Expr:
    return pl.col(name).str.strip_chars().cast(pl.Float64, strict=False)


def _stray(name: str) -> pl.Expr:
    word = pl.col(name).str.strip_chars().str.to_lowercase().is_in(MISSING)
    return (_number(name).is_null() & pl.col(name).is_not_null() & ~word).fill_null(value=False)


def _counts(name: str) -> pl.Expr:
    values, zoned = pl.col(name), pl.col(name).str.contains(ZONED)
    return pl.struct(
        numbers=_number(name).count(),
        strays=_stray(name).sum(),
        stray=values.filter(_stray(name)).first(),
        times=values.str.contains(TIME).all(),
        zoned=values.filter(zoned).first(),
        plain=values.filter(~zoned).first(),
    ).alias(name)


def _judged(found: dict[str, object]) -> Told:
    numbers, strays = int(str(found["numbers"])), int(str(found["strays"]))
    if found["times"] and found["zoned"] is not None and found["plain"] is not None:
        return Told(zones=(str(found["zoned"]), str(found["plain"])))
    if not numbers or strays > STRAYS * numbers:
        return Told()
    return Told(numbers=not strays, stray=str(found["stray"]) if strays else None)


def as_number(name: str) -> pl.Expr:
    """A column of numbers, and of words for missing ones, as numbers."""
    return _number(name)
