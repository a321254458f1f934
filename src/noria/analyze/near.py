"""Analysis rows that are nearly the same as rows that were learned from: allowed, but to be known.

Two rows are alike if their values are equal once case, signs and the fourth digit of numbers no longer count. Texts are
alike if they share four fifths of their triples of words; such pairs are looked for by MinHash (Broder 1997) with
locality-sensitive bands, and then compared exactly.
"""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from noria.analyze.disjoint import names
from noria.data.schema import Schema
from noria.data.table import BOOKKEEPING

DIGITS = 3
ALIKE = 0.8  # of the triples of words of two texts, the share that they have in common
WORDY = 3.0  # blanks in a value, on average, from which a column is text
HASHES, BANDS = 64, 16  # of two texts that are just alike, one in 5,000 pairs is not found
MOST = 200_000  # texts that are looked at on either side
SHOWN = 10  # pairs
FACTORS = np.random.default_rng(0).integers(0, 2**63, HASHES, dtype=np.uint64) * 2 + 1

Hashes = NDArray[np.uint64]


def duplicates(analysis: pl.DataFrame, learned: pl.DataFrame, schema: Schema) -> dict[str, Any]:
    """Analysis rows with a twin among the rows learned from, label, subject and time left out of it.

    Returns
    -------
    dict
        ``rows``: how many there are; ``telling``: whether the rows learned from are nearly all different, so that twins
        are no chance; ``shown``: some pairs, with ``row``, ``like`` and ``similarity``, 0 to 1.
    """
    content = [one for one in analysis.columns if one not in {*BOOKKEEPING, schema.label, schema.subject, schema.time}]
    found: dict[int, tuple[int, float]] = {}
    telling = False
    if content:
        mine, theirs = (_plain(frame.select(content)).hash_rows(0).to_numpy() for frame in (analysis, learned))
        telling = len(np.unique(theirs)) >= 0.9 * len(theirs)
        found = {row: (like, 1.0) for row, like in _equal(mine, theirs)}
        texts = [one for one in content if _wordy(learned[one])]
        if texts:
            found = _similar(_text(analysis, texts), _text(learned, texts)) | found
    shown = sorted(found.items())[:SHOWN]
    here = names(analysis[[row for row, _ in shown]])
    there = names(learned[[like for _, (like, _) in shown]])
    pairs = zip(here, there, shown, strict=True)
    return {
        "rows": len(found),
        "telling": telling,
        "shown": [{"row": a, "like": b, "similarity": one[1][1]} for a, b, one in pairs],
    }


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Values without what tells two copies of one row apart."""
    texts = pl.col(pl.String).str.to_lowercase().str.replace_all(r"[^\pL\pN]+", " ").str.strip_chars()
    numbers = pl.selectors.float().round_sig_figs(DIGITS)
    return frame.with_columns(texts, numbers)


def _equal(mine: Hashes, theirs: Hashes) -> list[tuple[int, int]]:
    values, first = np.unique(theirs, return_index=True)
    if not len(values):
        return []
    place = np.minimum(np.searchsorted(values, mine), len(values) - 1)
    return [(int(row), int(first[place[row]])) for row in np.flatnonzero(values[place] == mine)]


def _wordy(column: pl.Series) -> bool:
    if column.dtype != pl.String:
        return False
    blanks = column.drop_nulls().head(1000).str.count_matches(r"\s").mean()
    return isinstance(blanks, float) and blanks >= WORDY


def _text(frame: pl.DataFrame, names: list[str]) -> pl.Series:
    plain = _plain(frame.select(names).head(MOST))
    return plain.select(pl.concat_str(names, separator=" ", ignore_nulls=True).alias("text")).to_series()


def _triples(texts: pl.Series) -> tuple[NDArray[np.int64], Hashes]:
    """Each different triple of words as a hash, with the row it stands in; shorter texts have none."""
    words = texts.str.split(" ").list
    frame = pl.DataFrame({"row": range(len(texts)), "word": words.eval(pl.element())}).explode("word").drop_nulls()
    one, after = pl.col("word").hash(0), [pl.col("word").shift(-n).hash(n) for n in (1, 2)]
    same = pl.col("row") == pl.col("row").shift(-2)
    hashed = frame.select("row", (one ^ after[0] ^ after[1]).alias("triple"), same.alias("whole"))
    kept = hashed.filter(pl.col("whole").fill_null(False)).select("row", "triple").unique().sort("row", "triple")
    return kept["row"].to_numpy(), kept["triple"].to_numpy()


class _Texts:
    """Triples of words of some texts, and their MinHash signatures [texts with any, hashes]."""

    def __init__(self, texts: pl.Series) -> None:
        rows, self._triples = _triples(texts)
        self.rows, self._starts = np.unique(rows, return_index=True)
        self._ends = np.append(self._starts[1:], len(rows))
        self.signatures = np.empty((len(self.rows), HASHES), dtype=np.uint64)
        for place, factor in enumerate(FACTORS if len(rows) else ()):
            mixed = self._triples * factor
            self.signatures[:, place] = np.minimum.reduceat(mixed ^ (mixed >> np.uint64(29)), self._starts)

    def bands(self) -> list[Hashes]:
        """One key for each band of the signatures: texts that are alike agree in one of them."""
        split = np.split(self.signatures, BANDS, axis=1)
        odd = FACTORS[: HASHES // BANDS]
        return [np.bitwise_xor.reduce(one * odd, axis=1) for one in split]

    def of(self, place: int) -> Hashes:
        return self._triples[self._starts[place] : self._ends[place]]


def _similar(mine: pl.Series, theirs: pl.Series) -> dict[int, tuple[int, float]]:
    """For each text with one that is alike: its row, the other's row, and the share of triples they have in common."""
    a, b = _Texts(mine), _Texts(theirs)
    found: dict[int, tuple[int, float]] = {}
    for here, there in zip(a.bands(), b.bands(), strict=True):
        for one, other in _equal(here, there):
            if found.get(int(a.rows[one]), (0, 0.0))[1] < 1 and _agree(a.signatures[one], b.signatures[other]):
                left, right = a.of(one), b.of(other)
                common = len(np.intersect1d(left, right, assume_unique=True))
                share = common / (len(left) + len(right) - common)
                if share >= max(ALIKE, found.get(int(a.rows[one]), (0, 0.0))[1]):
                    found[int(a.rows[one])] = (int(b.rows[other]), share)
    return found


def _agree(a: Hashes, b: Hashes) -> bool:
    """True if two signatures do not rule out that their texts are alike: half a chance less than expected."""
    return bool((a == b).mean() >= ALIKE - 0.2)
