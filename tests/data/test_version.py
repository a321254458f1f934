"""What a version is called, holds, and reads as."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.data import multiset, table
from noria.data.version import condition, read_back
from noria.errors import Damaged

KINDS = {
    "n": pl.Int64, "f": pl.Float64, "s": pl.String, "b": pl.Boolean, "d": pl.Date, "t": pl.Datetime("us"),
    "c": pl.Decimal(12, 2), "l": pl.List(pl.String),
}  # fmt: skip
PINNED = "1:3:cb4c9fd2b03d9afe97ebf798a7341865"
row = st.fixed_dictionaries(
    {
        "n": st.none() | st.integers(-(2**63), 2**63 - 1),
        "f": st.none() | st.floats(),
        "s": st.none() | st.text(max_size=50),
        "b": st.none() | st.booleans(),
        "d": st.none() | st.dates(date(1800, 1, 1), date(2200, 1, 1)),
        "t": st.none() | st.datetimes(datetime(1800, 1, 1), datetime(2200, 1, 1)),
        "c": st.none() | st.decimals(-1000, 1000, places=2),
        "l": st.none() | st.lists(st.sampled_from("abc"), max_size=3),
    }
)
rows = st.lists(row, max_size=30)


def frame(found: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(found, schema=KINDS)


def three() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "n": [1, -5, None],
            "f": [0.5, float("nan"), -0.0],
            "s": ["Zoë", "", "a text of more than thirty-two bytes, so that its BLAKE2b counts"],
            "b": [True, False, None],
            "d": [date(2026, 1, 2), None, date(1969, 12, 31)],
            "t": [datetime(2026, 1, 2, 3, 4, 5, 6), None, datetime(1969, 12, 31)],
        }
    )


def test_the_name_of_rows_is_the_same_for_ever() -> None:
    assert multiset.digest(three()) == PINNED
    assert multiset.digest(pl.DataFrame({"n": []}, schema={"n": pl.Int64})) == f"1:0:{0:032x}"


@settings(deadline=None)
@given(rows, st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_that_of_columns_counts(found: list[dict[str, object]], random) -> None:  # type: ignore[no-untyped-def]
    mixed = random.sample(found, len(found))
    columns = random.sample(list(KINDS), len(KINDS))
    assert multiset.digest(frame(mixed).select(columns)) == multiset.digest(frame(found))


@settings(deadline=None)
@given(rows, st.integers(0, 30))
def test_names_of_parts_add_up_to_that_of_the_whole(found: list[dict[str, object]], at: int) -> None:
    parts = [multiset.digest(frame(found[:at])), multiset.digest(frame(found[at:]))]
    assert multiset.combined(parts) == multiset.combined(parts[::-1]) == multiset.digest(frame(found))
    assert multiset.rows_of(multiset.combined(parts)) == len(found)


@settings(deadline=None)
@given(st.lists(row, min_size=1, max_size=30), st.data())
def test_a_changed_value_a_lost_and_a_doubled_row_are_seen(found: list[dict[str, object]], data: st.DataObject) -> None:
    whole, place = frame(found), data.draw(st.integers(0, len(found) - 1))
    name, other = data.draw(st.sampled_from(list(KINDS))), data.draw(row)
    changed = frame([{**one, name: other[name]} if index == place else one for index, one in enumerate(found)])
    same = changed.equals(whole) or repr(changed[name].to_list()) == repr(whole[name].to_list())
    assert (multiset.digest(changed) == multiset.digest(whole)) == same
    lost = frame([*found[:place], *found[place + 1 :]])
    assert len({multiset.digest(one) for one in (whole, lost, pl.concat([whole, whole[place : place + 1]]))}) == 3


def test_values_cannot_change_places_between_rows_or_columns() -> None:
    pairs = [[(1, 2), (3, 4)], [(1, 4), (3, 2)], [(2, 1), (4, 3)], [(1, 2), (4, 3)]]
    frames = [pl.DataFrame(pair, schema=["a", "b"], orient="row") for pair in pairs]
    assert len({multiset.digest(one) for one in frames}) == len(pairs)
    texts = [
        pl.DataFrame({"s": [text]}) for text in ("ab", "ba", "ab\0", "a" * 32, "a" * 33, "12345678ab", "ab12345678")
    ]
    assert len({multiset.digest(one) for one in texts}) == len(texts)


def test_a_column_that_is_missing_in_all_rows_and_the_width_of_numbers_do_not_count() -> None:
    plain = pl.DataFrame({"n": [1, 2], "f": [0.5, 2.0], "at": [datetime(2026, 1, 1)] * 2})
    wide = plain.with_columns(
        pl.lit(None, dtype=pl.String).alias("later"), pl.col("n").cast(pl.Int16), pl.col("f").cast(pl.Float32),
        pl.col("at").cast(pl.Datetime("ns")),
    )  # fmt: skip
    assert multiset.digest(wide) == multiset.digest(plain)
    assert multiset.digest(plain.with_columns(pl.col("n").cast(pl.String))) != multiset.digest(plain)


def test_pieces_blocks_and_lazy_frames_give_one_name(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    many = pl.DataFrame({"x": random.normal(size=300_001), "s": random.choice(["a", "bb", "a longer word"], 300_001)})
    many.write_parquet(tmp_path / "many.parquet")
    lazy = pl.scan_parquet(tmp_path / "many.parquet")
    assert (
        multiset.digest(lazy) == multiset.digest(many) == multiset.digest(many.sample(fraction=1, shuffle=True, seed=1))
    )


def grown(path: str, folder: Path) -> dict[str, pl.DataFrame]:
    """A table of batches that were written, adopted, came with other columns, and of which one was written anew."""
    adopted = three().drop("b")
    adopted.write_parquet(folder / "adopted.parquet")
    more = three().with_columns(
        extra=pl.lit("x"), zoned=pl.lit(datetime(2026, 1, 1, tzinfo=UTC)), c=pl.lit(Decimal("1.5"))
    )
    held = {"b1": three(), "b2": adopted, "b3": more, "b4": three().with_columns(n=pl.lit(7))}
    for id in ("b1", "b3", "b4"):
        table.append(path, id, held[id])
    table.adopt(path, "b2", folder / "adopted.parquet", digest="0" * 64)
    delta = DeltaTable(path)
    kept = pl.scan_delta(path).filter(pl.col("_batch") == "b4", pl.col("_row") != 1).collect()
    delta.delete("_batch = 'b4' AND _row = 1")  # an erasure: the partition's file is written anew
    held["b4"] = kept.drop("_batch", "_row")
    return held


@pytest.mark.parametrize(
    "chosen", [["b1"], ["b1", "b2"], ["b1", "b2", "b3"], ["b3", "b4"], ["b4", "b2", "b1"]], ids="+".join
)
def test_any_version_reads_back_exactly_through_any_engine(tmp_path: Path, chosen: list[str]) -> None:
    path = str(tmp_path / "data")
    held = grown(path, tmp_path)
    expected = multiset.combined(multiset.digest(held[id]) for id in chosen)
    assert multiset.combined(read_back(path, id) for id in chosen) == expected
    where = condition(chosen)
    assert multiset.digest(pl.scan_delta(path).filter(pl.sql_expr(where))) == expected
    delta = DeltaTable(path).to_pyarrow_dataset()
    assert multiset.digest(pl.from_arrow(_arrow(delta, where))) == expected
    actions = pa.table(DeltaTable(path).get_add_actions(flatten=True)).to_pylist()
    files = [f"{path}/{one['path']}" for one in actions]
    read = f"read_parquet({files}, hive_partitioning=true, union_by_name=true)"
    found = duckdb.sql(f"SELECT * FROM {read} WHERE {where}")
    assert multiset.digest(found.pl()) == expected


def _arrow(delta: object, where: str) -> pa.Table:
    return duckdb.sql(f"SELECT * FROM delta WHERE {where}").to_arrow_table()


def test_a_batch_that_is_gone_or_broken_is_said_to_be(tmp_path: Path) -> None:
    path = str(tmp_path / "data")
    table.append(path, "b1", three())
    with pytest.raises(Damaged, match="does not hold batch b2"):
        read_back(path, "b2")
    (file,) = Path(path).glob("_batch=b1/*.parquet")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(Damaged, match="batch b1 cannot be read"):
        read_back(path, "b1")
