"""Rows that are nearly those that were learned from: planted ones are found, others are not."""

import numpy as np
import polars as pl

from noria.analyze import near
from noria.data.schema import Schema

WORDS = [f"word{number}" for number in range(400)]
SCHEMA = Schema("y", subject="who")


def texts(count: int, seed: int, length: int = 30) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, length)) for _ in range(count)]


def frame(batch: str, **columns: list[object]) -> pl.DataFrame:
    count = len(next(iter(columns.values())))
    about = {"who": [f"{batch}{n}" for n in range(count)], "y": ["no"] * count}
    return pl.DataFrame({**about, **columns, "_batch": [batch] * count, "_row": list(range(count))})


def test_a_text_with_a_few_words_changed_is_found_and_one_with_many_is_not() -> None:
    learned = texts(300, 0)
    slightly, much = learned[7].split(), learned[8].split()
    slightly[15], much[5::6] = "changed", ["changed"] * len(much[5::6])
    mine = [*texts(50, 1), " ".join(slightly), " ".join(much), learned[9].upper().replace(" ", ", ")]
    found = near.duplicates(frame("a", note=mine), frame("b", note=learned), SCHEMA)
    assert [(one["row"], one["like"]) for one in found["shown"]] == [("a/50", "b/7"), ("a/52", "b/9")]
    assert 0.8 <= found["shown"][0]["similarity"] < 1
    assert found["shown"][1]["similarity"] == 1
    assert (found["rows"], found["telling"]) == (2, True)


def test_the_similarity_is_the_share_of_triples_of_words_in_common() -> None:
    learned = texts(1, 0, length=102)[0].split()
    mine = [*learned[:-1], "changed"]
    [one] = near.duplicates(frame("a", note=[" ".join(mine)]), frame("b", note=[" ".join(learned)]), SCHEMA)["shown"]
    first, second = ({tuple(side[n : n + 3]) for n in range(len(side) - 2)} for side in (mine, learned))
    assert one["similarity"] == len(first & second) / len(first | second)


def test_nearly_all_planted_twins_are_found_among_many() -> None:
    learned = texts(2000, 0)
    mine = [" ".join([*one.split()[1:], "end"]) for one in learned[:200]]
    assert near.duplicates(frame("a", note=mine), frame("b", note=learned), SCHEMA)["rows"] >= 198


def test_numbers_that_differ_in_the_fourth_digit_only_are_the_same() -> None:
    learned = frame("b", height=[171.21, 180.0, 165.0], job=["Smith", "nurse", "clerk"])
    mine = frame("a", height=[171.24, 180.0, 166.0], job=["smith ", "clerk", "clerk"])
    found = near.duplicates(mine, learned, SCHEMA)
    assert [(one["row"], one["like"]) for one in found["shown"]] == [("a/0", "b/0")]


def test_rows_without_content_or_without_twins_have_none() -> None:
    assert near.duplicates(frame("a", x=[1.0]), frame("b", x=[2.0]), SCHEMA)["rows"] == 0
    bare = frame("a", x=[1]).drop("x")
    assert near.duplicates(bare, bare, SCHEMA) == {"rows": 0, "telling": False, "shown": []}
