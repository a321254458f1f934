"""Every source with something to collect from it: content number 0, 1, 2, … that arrives when it is told to."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import NullPool, create_engine, text

from data.steps import Bench
from noria.collect.config import Files, Folder, Rows, Source, Sql
from noria.data import captured, table
from noria.data.schema import Schema
from noria.digest import Digest
from noria.lifecycle import Lifecycle

ROWS = 7  # of each content


class Feed:
    """Where content arrives; ``column`` holds what names a row, ``deaths`` is how often a test kills it."""

    column, deaths = "who", 4

    def __init__(self, folder: Path, url: str = "") -> None:
        self.folder, self.url = folder, url
        (folder / "inbox").mkdir(exist_ok=True)

    def source(self) -> Source:
        return Files("inbox/*")

    def bring(self, number: int) -> None:
        """Let a content arrive, whole."""
        raise NotImplementedError

    def names(self, number: int) -> set[str]:
        """What names the rows of a content."""
        return set(self.rows(number)[self.column])

    def rows(self, number: int) -> pl.DataFrame:
        """The rows of a content as the table is to hold them."""
        return content(number)

    def bench(self) -> Bench:
        lifecycle = Lifecycle("loans", collect=self.source(), schema=Schema("paid", subject=self.column))
        return Bench(self.folder, lifecycle)

    def place(self, name: str) -> Path:
        return self.folder / "inbox" / name


def content(number: int) -> pl.DataFrame:
    who = [f"{number}-{row}" for row in range(ROWS)]
    age = [number * ROWS + row for row in range(ROWS)]
    return pl.DataFrame({"who": who, "age": age, "paid": ["yes", "no", *["yes"] * (ROWS - 2)]})


class Csv(Feed):
    deaths = 14

    def bring(self, number: int) -> None:
        content(number).write_csv(self.place(f"{number}.csv"))


class Parquet(Feed):
    deaths = 14

    def bring(self, number: int) -> None:
        content(number).write_parquet(self.place(f"{number}.parquet"), row_group_size=3)


class Jsonl(Feed):
    def bring(self, number: int) -> None:
        content(number).write_ndjson(self.place(f"{number}.jsonl"))


class Sqlite(Feed):
    deaths = 14

    def __init__(self, folder: Path, url: str = "") -> None:
        super().__init__(folder, url or f"sqlite:///{folder / 'shop.db'}")

    def source(self) -> Source:
        return Sql("sales", self.url, watermark="age")

    def bring(self, number: int) -> None:
        engine = create_engine(self.url, poolclass=NullPool)
        with engine.begin() as c:
            c.execute(text("CREATE TABLE IF NOT EXISTS sales (who VARCHAR(20), age INTEGER, paid VARCHAR(3))"))
            c.execute(text("INSERT INTO sales VALUES (:who, :age, :paid)"), content(number).to_dicts())


class Postgres(Sqlite):
    deaths = 4

    def source(self) -> Source:
        return Sql("SELECT s.*, 1.5::numeric(4, 2) AS price FROM sales s;", self.url, watermark="age")

    def rows(self, number: int) -> pl.DataFrame:
        return content(number).with_columns(price=pl.lit(Decimal("1.50")))


class AdbcSqlite(Sqlite):
    deaths = 4

    def source(self) -> Source:
        return Sql("sales", f"adbc+{self.url}", watermark="age")


class AdbcPostgres(Postgres):
    def source(self) -> Source:
        return replace(super().source(), url=f"adbc+{self.url}".replace("+psycopg", ""))


class Images(Feed):
    column, deaths = "path", 14

    def source(self) -> Source:
        return Folder("inbox")

    def bring(self, number: int) -> None:
        for row, one in zip(self.rows(number).iter_rows(named=True), content(number)["who"], strict=True):
            file = self.folder / row["path"]
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(picture(one))

    def rows(self, number: int) -> pl.DataFrame:
        files = [(f"inbox/{paid}/{who}.png", picture(who), paid) for who, _, paid in content(number).iter_rows()]
        return pl.DataFrame(
            [(path, Digest.of(data).hex, len(data), "image/png", paid) for path, data, paid in files],
            schema=["path", "digest", "bytes", "media", "paid"],
            orient="row",
        )


def picture(who: str) -> bytes:
    return b"\x89PNG" + who.encode()


class Given(Feed):
    def source(self) -> Source:
        file = self.folder / "rows.json"

        def rows() -> list[dict[str, Any]]:
            return list(json.loads(file.read_text()))

        return Rows(rows)

    def bring(self, number: int) -> None:
        part = self.folder / "rows.part"
        part.write_text(json.dumps(content(number).to_dicts()))
        part.rename(self.folder / "rows.json")


class Answers(Feed):
    """The first content are files, so that there is something to answer from."""

    def source(self) -> Source:
        return Files("inbox/*")

    def rows(self, number: int) -> pl.DataFrame:
        """What was captured says what answered and what a row weighs."""
        said = {"_version": pl.lit(None, pl.Int64), "_variant": pl.lit(None, pl.String), "_weight": pl.lit(1.0)}
        return content(number).with_columns(**said) if number else content(number)

    def bring(self, number: int) -> None:
        if number == 0:
            content(0).write_csv(self.place("0.csv"))
            return
        rows = content(number).to_dicts()
        asked = [{"id": r["who"], "inputs": json.dumps({"who": r["who"], "age": r["age"]})} for r in rows]
        told = [{"prediction": r["who"], "at": f"2026-{number:04}", "label": r["paid"]} for r in rows]
        for kind, kinds, given in (
            ("predictions", captured.PREDICTION, asked),
            ("feedback", captured.FEEDBACK, told),
        ):
            full = [{**dict.fromkeys(kinds), **one} for one in given]
            frame = pl.DataFrame(full, schema=kinds, orient="row")
            table.append(f"{self.folder}/home/data/_captured/loans/{kind}", f"{kind}-{number}", frame)


FEEDS: dict[str, type[Feed]] = {
    one.__name__: one
    for one in (Csv, Parquet, Jsonl, Sqlite, Postgres, AdbcSqlite, AdbcPostgres, Images, Given, Answers)
}
