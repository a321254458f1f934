"""Which rows of which batches are about a subject: found by an index, numbered as they arrived, also after erasing."""

from pathlib import Path

import polars as pl

from noria.data import erase, subjects, table

SEED = 7


def rows(*names: str) -> pl.DataFrame:
    return pl.DataFrame({"who": list(names), "value": [*range(len(names))]})


def test_rows_keep_the_numbers_they_arrived_with(tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    table.append(path, "written", rows("ann", "bob", "cem", "ann"))
    table.append(path, "without", rows("bob"))
    file = tmp_path / "adopted.parquet"
    rows("bob", "cem", "ann").write_parquet(file)
    assert table.adoptable(path, file)
    table.adopt(path, "adopted", file, digest="d" * 8)
    assert subjects.rows(path, "who", "ann", SEED) == {"written": [0, 3], "adopted": [2]}
    assert subjects.rows(path, "who", "cem", SEED) == {"written": [2], "adopted": [1]}
    erase.strip(path, "who", ["bob"], mine=True)
    subjects.tidy(path)
    assert subjects.rows(path, "who", "ann", SEED) == {"written": [0, 3], "adopted": [2]}
    assert subjects.rows(path, "who", "bob", SEED) == {}
    assert subjects.rows(path, "no such column", "ann", SEED) == {}


def test_a_number_is_found_however_it_is_typed(tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    table.append(path, "a", pl.DataFrame({"who": [5, 7, 7, 8]}))
    assert subjects.rows(path, "who", "7", SEED) == subjects.rows(path, "who", "7.0", SEED) == {"a": [1, 2]}
