"""A database as a source: only what is new, in bounded memory, and nothing lost when it goes away."""

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import NullPool, create_engine, text

from data.steps import Bench
from noria.collect import adbc, sql
from noria.collect.config import Sql
from noria.compile import describe
from noria.data import table
from noria.errors import BadInput, BadLifecycle, StoreUnavailable
from noria.lifecycle import Lifecycle


def bench(folder: Path, source: Sql) -> Bench:
    return Bench(folder, Lifecycle("sales", collect=source, label="paid"))


def do(url: str, statement: str, rows: list[dict[str, Any]] | None = None) -> None:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as c:
        c.execute(text(statement), rows or None)


def kept(on: Bench, facts: Any) -> pl.DataFrame:
    return table.scan(f"{on.settings.data}/sales", facts["batches"]).collect()


@pytest.fixture
def shop(postgres_url: str) -> str:
    do(postgres_url, "CREATE TABLE sales (id bigserial, at timestamptz, day date, price numeric(8, 2), paid text)")
    do(postgres_url, "INSERT INTO sales (at, day, price, paid) VALUES ('2026-01-01 12:00+01', '2026-01-01', 1.10, 'a')")
    return postgres_url


def by_adbc(url: str) -> str:
    return f"adbc+{url}".replace("+psycopg", "")


@pytest.mark.parametrize("read_by", [str, by_adbc], ids=["SQLAlchemy", "ADBC"])
@pytest.mark.parametrize("watermark", ["id", "at", "day", "price"])
def test_only_rows_above_the_watermark_are_read_and_values_come_as_they_are(
    tmp_path: Path, shop: str, watermark: str, read_by: Callable[[str], str]
) -> None:
    on = bench(tmp_path, Sql("sales", read_by(shop), watermark=watermark))
    assert on.do("collect").facts["rows"] == 1
    do(shop, "INSERT INTO sales (at, day, price, paid) VALUES ('2026-01-02 12:00+01', '2026-01-02', 2.25, 'b')")
    do(shop, "UPDATE sales SET paid = 'seen already' WHERE paid = 'a'")
    found = kept(on, on.do("collect").facts)
    assert found.drop(table.RESERVED).rows() == [
        (1, datetime(2026, 1, 1, 11, tzinfo=UTC), date(2026, 1, 1), Decimal("1.10"), "a"),
        (2, datetime(2026, 1, 2, 11, tzinfo=UTC), date(2026, 1, 2), Decimal("2.25"), "b"),
    ]


def test_many_rows_come_in_chunks_and_a_type_that_shows_late_counts(
    tmp_path: Path, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "CHUNK", 100)
    do(shop, "INSERT INTO sales (id, paid) SELECT n + 1, 'b' FROM generate_series(1, 900) n")
    do(shop, "INSERT INTO sales (id, price, paid) VALUES (2000, 7, 'b')")
    source = Sql("SELECT id, CASE WHEN id = 2000 THEN 0.5 END AS late, paid FROM sales -- all", shop, watermark="id")
    found = kept(*(lambda on: (on, on.do("collect").facts))(bench(tmp_path, source)))
    assert found["id"].to_list() == [*range(1, 902), 2000]
    assert found["late"].drop_nulls().to_list() == [Decimal("0.5")]


def test_a_database_that_goes_away_half_way_loses_nothing(
    tmp_path: Path, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half the rows are read when the server ends the connection."""
    monkeypatch.setattr(sql, "CHUNK", 100)
    do(shop, "INSERT INTO sales (id, paid) SELECT n + 1, repeat('b', 5000) FROM generate_series(1, 5000) n")
    on = bench(tmp_path, Sql("sales", shop, watermark="id"))
    made, chunks = sql._frame, []

    def frame(rows: Any, names: Any, source: Any) -> pl.DataFrame:
        chunks.append(len(rows))
        if len(chunks) == 20:
            do(shop, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                     "WHERE pid <> pg_backend_pid() AND datname = current_database()")  # fmt: skip
        return made(rows, names, source)

    monkeypatch.setattr(sql, "_frame", frame)
    with pytest.raises(StoreUnavailable, match="cannot be read") as caught:
        on.do("collect")
    assert "nothing is lost" in caught.value.do
    assert 20 <= len(chunks) < 51
    monkeypatch.setattr(sql, "_frame", made)
    on.turn()
    facts = on.do("collect").facts
    assert kept(on, facts)["id"].to_list() == [*range(1, 5002)]
    assert len(facts["batches"]) == 1


def test_by_adbc_too_a_database_that_goes_away_half_way_loses_nothing(
    tmp_path: Path, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adbc, "ROWS", 100)
    do(shop, "INSERT INTO sales (id, paid) SELECT n + 1, repeat('b', 20000) FROM generate_series(1, 5000) n")
    on = bench(tmp_path, Sql("sales", by_adbc(shop), watermark="id"))
    made, count = adbc._frame, []

    def frame(*given: Any) -> pl.DataFrame:
        count.append(1)
        if len(count) == 2:
            do(shop, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                     "WHERE pid <> pg_backend_pid() AND datname = current_database()")  # fmt: skip
        return made(*given)

    monkeypatch.setattr(adbc, "_frame", frame)
    with pytest.raises(StoreUnavailable, match="cannot be read") as caught:
        on.do("collect")
    assert "\n" not in str(caught.value)
    monkeypatch.setattr(adbc, "_frame", made)
    on.turn()
    facts = on.do("collect").facts
    assert kept(on, facts)["id"].to_list() == [*range(1, 5002)]
    assert len(facts["batches"]) == 1


def test_who_reads_by_adbc_from_now_on_goes_on_where_the_source_was(tmp_path: Path, shop: str) -> None:
    plain = shop.replace("+psycopg", "")
    assert bench(tmp_path, Sql("sales", plain, watermark="id")).do("collect").facts["rows"] == 1
    do(shop, "INSERT INTO sales (price, paid) VALUES (9.75, '100 % of \\:this')")
    found = kept(
        *(lambda on: (on, on.do("collect").facts))(bench(tmp_path, Sql("sales", by_adbc(shop), watermark="id")))
    )
    assert found["id"].to_list() == [1, 2]
    assert found["paid"].to_list() == ["a", "100 % of :this"]


@pytest.mark.parametrize("read_by", [str, by_adbc], ids=["SQLAlchemy", "ADBC"])
def test_signs_in_a_query_and_in_a_watermark_are_what_they_are(
    tmp_path: Path, shop: str, read_by: Callable[[str], str]
) -> None:
    query = "SELECT *, ':x' AS colon FROM sales WHERE paid LIKE '%a%' AND id::text <> '100%'"
    on = bench(tmp_path, Sql(query, read_by(shop), watermark="paid"))
    assert kept(on, on.do("collect").facts)["colon"].to_list() == [":x"]
    do(shop, "INSERT INTO sales (paid) VALUES ('it''s 5 % a')")
    assert kept(on, on.do("collect").facts)["paid"].to_list() == ["a", "it's 5 % a"]
    do(shop, "INSERT INTO sales (paid) VALUES ('its a')")
    assert kept(on, on.do("collect").facts)["paid"].to_list() == ["a", "it's 5 % a", "its a"]


def test_adbc_without_its_drivers_or_a_query_that_it_refuses_is_one_sentence(
    tmp_path: Path, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = bench(tmp_path, Sql("SELECT id, paid, 1 / (id - 1) AS n FROM sales", by_adbc(shop), watermark="id"))
    with pytest.raises((BadInput, StoreUnavailable), match="division by zero"):
        on.do("collect")
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql.dbapi", None)
    with pytest.raises(BadInput, match=r"noria\[adbc\]"):
        on.do("collect")


@pytest.mark.parametrize(
    ("query", "watermark", "said"),
    [
        ("nothing", "id", "the query is refused"),
        ("sales", "number", "the query is refused"),
        ("SELECT * FROM", "id", "the query is refused"),
        ("SELECT id, ARRAY[ARRAY[1, 2]] AS many, paid FROM sales", "id", "column many holds List"),
        ("SELECT id, id, paid FROM sales", "id", "the query is refused"),
        ("SELECT NULL::int AS id, paid FROM sales", "id", "a row has no id"),
        ("SELECT id, 12345678901234567890123::numeric AS n, paid = 'a' AS b FROM sales", "b", "refused"),
        ("SELECT id, '1 day'::interval AS long, paid FROM sales", "id", "column long holds Duration"),
        ("SELECT id FROM sales", "id", "there is no column 'paid'"),
        ("""SELECT id, '{"a": {"b": 1}}'::json AS more, paid FROM sales""", "id", "column more holds Struct"),
        ("SELECT id, repeat('x', 16777217) AS more, paid FROM sales", "id", "column more has a value of 17 MB"),
        ("SELECT id, 'x'::bytea AS more, paid FROM sales", "id", "column more holds Binary"),
    ],
)
def test_what_cannot_be_collected_from_a_database_is_one_sentence(
    tmp_path: Path, shop: str, query: str, watermark: str, said: str
) -> None:
    on = bench(tmp_path, Sql(query, shop, watermark=watermark))
    with pytest.raises(BadInput) as caught:
        on.do("collect")
    assert said in caught.value.what
    assert "\n" not in str(caught.value)


def test_a_database_that_cannot_be_reached_is_said_without_its_password(tmp_path: Path) -> None:
    source = Sql("sales", "postgresql+psycopg://me:secret@127.0.0.1:1/shop", watermark="id")
    with pytest.raises(StoreUnavailable, match=r"me:\*\*\*@127") as caught:
        bench(tmp_path, source).do("collect")
    plan = describe(source, lambda function: {})
    assert "secret" not in f"{caught.value} {source} {plan}"
    with pytest.raises(BadInput, match=r"there is no file shop\.db"):
        bench(tmp_path, Sql("sales", "sqlite:///shop.db", watermark="id")).do("collect")
    with pytest.raises(BadInput, match="the URL cannot be used"):
        bench(tmp_path, Sql("sales", "nowhere", watermark="id")).do("collect")
    with pytest.raises(BadLifecycle, match="watermark is empty"):
        Sql("sales", "sqlite:///shop.db", watermark="")
