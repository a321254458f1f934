"""What would give a person away: the key, and values that nobody else has; found in bytes, taken out of plain data."""

import io
import json
import re
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import polars as pl

GONE = "(erased)"
LEAST_TEXT, LEAST_DIGITS = 4, 5  # of values that tell one person from others
NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?(?!\w)")
MOST = 1 << 28  # bytes of one packed file that are unpacked
CUT = (0, 1, 2, 3)  # decimals that people are shown


@dataclass(frozen=True, slots=True)
class Traces:
    """``texts``: the key, and texts that only this person's rows hold; ``numbers``: numbers of that kind.

    A number in plain data is rounded to two digits, so that it stays a number.
    """

    texts: tuple[str, ...]
    numbers: frozenset[float]

    def within(self, data: bytes) -> bool:
        """Whether bytes hold one of the texts, in whatever they are packed."""
        needles = [needle for text in self.texts for needle in _written(text)]
        return any(needle in part for part in unpacked(data) for needle in needles)

    def without(self, value: Any) -> Any:
        """Plain data without them."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int | float):
            return type(value)(float(f"{value:.2g}")) if float(value) in self.numbers else value
        if isinstance(value, Mapping):
            return {self.without(name): self.without(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.without(one) for one in value]
        return value

    def page(self, html: bytes) -> bytes:
        """A page without the texts."""
        for text in self.texts:
            for needle in _written(text):
                html = html.replace(needle, GONE.encode())
        return html

    def _text(self, text: str) -> str:
        if text[:1] in ("{", "["):
            with suppress(ValueError):
                value = json.loads(text)
                other = self.without(value)
                return text if other == value else json.dumps(other)
        for one in self.texts:
            text = text.replace(one, GONE)
        if not self.numbers:
            return text
        return NUMBER.sub(lambda found: GONE if self._told(_value(found[0])) else found[0], text)

    def _told(self, number: float | None) -> bool:
        return number is not None and number in self._spellings()

    def _spellings(self) -> frozenset[float]:
        rounded = {round(one, places) for one in self.numbers for places in CUT}
        short = {float(f"{one:.4g}") for one in self.numbers}  # as sentences and tables show numbers
        return frozenset({*self.numbers, *short, *filter(_tells, rounded)})


def of(
    key: str,
    removed: Collection[pl.DataFrame],
    sent: pl.DataFrame,
    table: pl.LazyFrame | None,
    known: Collection[str],
) -> Traces:
    """What gives a person away.

    Parameters
    ----------
    removed, sent
        The person's rows in a table, and those that were sent in about them.
    table
        All rows of the table, those of ``removed`` among them; None if there is none. Of each column that holds
        something telling, and of no other, all is read, once.
    known
        Further texts that name this person only, such as ids of predictions.
    """
    texts, numbers = {key, *known}, set()
    mine = _together(removed)
    rows = _together([mine, sent])
    there = table.collect_schema() if table is not None else {}
    for name in rows.columns:
        values = {one for one in rows[name].drop_nulls().to_list() if _telling(one)}
        if table is not None and values and name in there:
            held = pl.col(name).cast(pl.String if rows.schema[name] == pl.String else pl.Float64, strict=False)
            theirs = _counted(table.select(held), name, values)
            own = _counted(mine.lazy().select(held), name, values) if name in mine.columns else {}
            values = {one for one in values if theirs.get(one, 0) <= own.get(one, 0)}
        texts |= {one for one in values if isinstance(one, str)}
        numbers |= {one for one in values if isinstance(one, float)}
    return Traces(tuple(sorted(texts, key=len, reverse=True)), frozenset(numbers))


def _counted(rows: pl.LazyFrame, name: str, values: Collection[Any]) -> dict[Any, int]:
    """How many rows hold each of some values in a column."""
    counts = rows.filter(pl.col(name).is_in(list(values))).group_by(name).len().collect(engine="streaming")
    return dict(counts.iter_rows())


def _together(frames: Collection[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat([_plain(one) for one in frames] or [pl.DataFrame()], how="diagonal_relaxed")


def _plain(rows: pl.DataFrame) -> pl.DataFrame:
    """Columns of texts and of numbers, as such."""
    kinds = {n: pl.String if k == pl.String else pl.Float64 for n, k in rows.schema.items() if _plainly(k)}
    return rows.select(pl.col(name).cast(kind) for name, kind in kinds.items() if not name.startswith("_"))


def _plainly(kind: pl.DataType) -> bool:
    return kind == pl.String or kind.is_numeric()


def _telling(value: Any) -> bool:
    return len(value) >= LEAST_TEXT if isinstance(value, str) else _tells(value)


def _tells(number: float) -> bool:
    return number == number and len(f"{abs(number):.15g}".replace(".", "").strip("0")) >= LEAST_DIGITS


def _value(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None


def _written(text: str) -> set[bytes]:
    """A text as files hold it: plain, and within JSON and HTML."""
    from html import escape

    quoted = (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    return {one.encode() for one in (text, escape(text), *quoted)}


def unpacked(data: bytes) -> Iterator[bytes]:
    """Bytes, and what is in them if they are an archive, Parquet, or compressed."""
    yield data
    if data[:4] == b"PK\x03\x04":
        yield from _archive(data)
    elif data[:4] == b"PAR1":
        yield from _columns(data)
    elif data[:2] in (b"\x1f\x8b", b"x\x9c", b"x\xda", b"x\x01"):
        try:
            yield zlib.decompressobj(wbits=47).decompress(data, MOST)
        except zlib.error:  # it only began like that
            return


def _archive(data: bytes) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for one in archive.infolist():
                if one.file_size <= MOST:
                    yield from unpacked(archive.read(one))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError):  # no archive that anybody could read
        return


def _columns(data: bytes) -> Iterator[bytes]:
    """The texts of each column, each once."""
    try:
        rows = pl.scan_parquet(io.BytesIO(data), hive_partitioning=False)
        for name, kind in rows.collect_schema().items():
            if kind == pl.String:
                texts = rows.select(pl.col(name).drop_nulls().unique()).collect().to_series()
                yield "\n".join(texts.to_list()).encode()
    except pl.exceptions.PolarsError:  # no Parquet that anybody could read
        return
