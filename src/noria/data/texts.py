"""Statistics of a column of texts that comes in pieces."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from noria.data import distinct, sketch
from noria.data.column import Column, frequent, with_values
from noria.data.distinct import KEPT, Smallest, runs

LONGEST = 256  # characters of a value that is kept as it is; of a longer one the beginning and its hash are
HEAD = 200
MANY = 1 / 4  # different texts a row: above, telling them apart costs more than looking at each
SPACE = np.isin(np.arange(256), list(b" \t\n\v\f\r"))  # by byte, of ASCII

Counts = NDArray[np.int64]


class Texts:
    def __init__(self) -> None:
        self.sum = Column("category")
        self.bins: dict[int, int] = {}
        self.found = Smallest()
        self.counts: Mapping[str, int] = {}
        self.short = 0
        self.many = False  # in the piece before

    def add(self, values: pl.Series) -> None:
        present = values.drop_nulls()
        if self.many:
            self._add(present.cast(pl.String), None)
        else:
            counted = present.alias("value").value_counts(name="count")
            self._add(counted["value"].cast(pl.String), _integers(counted["count"]))
        self.sum = self.sum.merge(Column("category", rows=len(values), missing=values.null_count()))

    def _add(self, texts: pl.Series, rows: Counts | None) -> None:
        """Different texts with the rows of each, or one a row."""
        hashes = distinct.of_texts(texts)
        different, counts = runs(np.sort(hashes)) if rows is None else (hashes, rows)
        self.found.add_counted(different, counts)
        self.many = len(different) > MANY * counts.sum()
        self._measure(texts, rows)
        cut = _most_left_out(counts)
        self.short += cut
        often = counts > cut
        if rows is not None:
            self._count(texts.filter(pl.Series(often)), counts[often])
        elif often.any():
            kept = texts.filter(pl.Series(np.isin(hashes, different[often])))
            counted = kept.alias("value").value_counts(name="count")
            self._count(counted["value"], _integers(counted["count"]))

    def _measure(self, texts: pl.Series, rows: Counts | None) -> None:
        sizes, inside = _integers(texts.str.len_chars()), words(texts)
        found, times = runs(np.sort(sizes.astype(np.int32))) if rows is None else (sizes, rows)
        more = sketch.bins(found.astype(np.float64), times)
        sketch.add(self.bins, more.keys(), more.values())
        weights = np.ones(len(texts), dtype=np.int64) if rows is None else rows
        length, tokens, longest = int(sizes @ weights), int(inside @ weights), int(sizes.max(initial=0))
        self.sum = self.sum.merge(Column("category", length=length, tokens=tokens, longest=longest))

    def _count(self, texts: pl.Series, rows: Counts) -> None:
        fresh = dict(zip(_named(texts), rows.tolist()))
        both = {key: self.counts.get(key, 0) + fresh.get(key, 0) for key in {**self.counts, **fresh}}
        self.counts, cut = frequent(both)
        self.short += cut

    def column(self) -> Column:
        bins = dict(sorted(self.bins.items()))
        return with_values(self.sum, self.counts, self.short, self.found.sample(), bins)


def _most_left_out(counts: Counts) -> int:
    """Rows of the most frequent value that is not among the ``KEPT`` most frequent; 0 if all are."""
    return int(np.partition(counts, -KEPT - 1)[-KEPT - 1]) if len(counts) > KEPT else 0


def _named(texts: pl.Series) -> list[str]:
    """Texts as the keys of their counts."""
    long = texts.str.len_chars() > LONGEST
    if not long.any():
        return texts.to_list()
    hashes = pl.Series(distinct.of_texts(texts)).cast(pl.String)
    return (texts.str.slice(0, HEAD) + "… #" + hashes).zip_with(long, texts).to_list()


def words(texts: pl.Series) -> Counts:
    """How many words each text has: what white space separates."""
    sizes = _integers(texts.str.len_bytes())
    found = [_words(part, of) for part, of in distinct.parts(texts, sizes)]
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


def _words(texts: pl.Series, sizes: Counts) -> Counts:
    content = np.frombuffer((texts.str.join("\n").item() + "\n").encode(), dtype=np.uint8)
    if content.max() >= 128:
        return _integers(texts.str.count_matches(r"\S+"))
    space = SPACE[content]
    if np.count_nonzero(space) == len(texts):  # only between them
        return (sizes > 0).astype(np.int64)
    upto = np.zeros(len(content), dtype=np.int64)  # words that end before
    np.cumsum(space[1:] & ~space[:-1], out=upto[1:])
    ends = np.cumsum(sizes + 1) - 1
    found: Counts = upto[ends] - upto[ends - sizes]
    return found


def _integers(values: pl.Series) -> Counts:
    return values.to_numpy().astype(np.int64)
