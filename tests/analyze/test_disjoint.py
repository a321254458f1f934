"""Proof that analysis rows were never learned from: a planted leak must be found."""

import polars as pl

from noria.analyze.disjoint import proof
from noria.data.schema import Schema


def rows(names: list[str], batch: str, first: int = 0) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "who": names,
            "age": [first + place for place in range(len(names))],
            "y": ["no"] * len(names),
            "_batch": [batch] * len(names),
            "_row": list(range(len(names))),
        }
    )


LEARNED = rows(["a", "b", "c"], "b1")
BY_SUBJECT, BY_CONTENT = Schema("y", subject="who"), Schema("y")


def test_apart_is_apart() -> None:
    found = proof(rows(["d", "e"], "b2", first=50), LEARNED, BY_SUBJECT)
    assert (found["rows"], found["learned_rows"], found["shared"], found["by"]) == (2, 3, 0, "subject")
    assert found["rows_shown"] == []


def test_one_shared_subject_is_found_and_shown_even_if_all_else_differs() -> None:
    found = proof(rows(["d", "b", "e"], "b2", first=50), LEARNED, BY_SUBJECT)
    assert (found["shared"], found["rows_shown"], found["same_content"]) == (1, ["b2/1"], 0)


def test_another_person_with_equal_values_is_shown_but_not_forbidden() -> None:
    found = proof(rows(["d"], "b2"), LEARNED, BY_SUBJECT)
    assert (found["shared"], found["same_content"]) == (0, 1)


def test_without_subjects_equal_content_is_a_leak_whatever_the_label() -> None:
    leak = LEARNED[1:2].with_columns(y=pl.lit("yes"), _batch=pl.lit("b9"), _row=pl.lit(4))
    found = proof(pl.concat([rows(["x"], "b2", first=50), leak], how="vertical_relaxed"), LEARNED, BY_CONTENT)
    assert (found["shared"], found["rows_shown"], found["by"]) == (1, ["b9/4"], "content")
