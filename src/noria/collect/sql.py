"""A table or a query of a database, of which only what lies above the greatest watermark so far is read."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import URL, Engine, NullPool, TextClause, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, ProgrammingError, SQLAlchemyError

from noria.collect import pieces
from noria.collect.arrive import Arrival
from noria.collect.config import ADBC, Sql
from noria.collect.offer import Offer, Taken
from noria.data import table
from noria.data.fitting import settled
from noria.digest import Digest
from noria.errors import BadInput, StoreUnavailable
from noria.store import datasets

CHUNK = 20_000  # rows in memory
TABLE = re.compile(r'[\w."]+')


def offers(world: Any, source: Sql) -> list[Offer]:
    """What was collected before, and the rows that have come since then, if there are any.

    Raises
    ------
    BadInput
        If the query, the watermark or the URL is wrong.
    StoreUnavailable
        If the database cannot be reached.
    """
    address = str(source.address).removeprefix(ADBC)  # how rows are read does not make another source
    me = Digest.of_json([address, source.query, source.watermark]).hex
    with world.store.read() as c:
        earlier = [b for b in datasets.batches(c, world.lifecycle) if b.source.get("sql") == me]
    found = [Offer(Arrival("sql", b.source["name"], b.digest, b.bytes), None) for b in earlier]
    after = earlier[-1].source["watermark"] if earlier else None
    upto = _newest(world.project, source, after)
    if upto is not None:
        name = f"{_short(source.query)} up to {upto[1]}"
        arrival = Arrival("sql", name, Digest.of_json([me, after, upto]).hex, 0)
        found.append(Offer(arrival, partial(_taken, source, me, arrival.digest, after, upto)))
    return found


def _newest(project: Path, source: Sql, after: list[str] | None) -> list[str] | None:
    """The greatest watermark above ``after``; None if there are no such rows."""
    with _reading(project, source) as (engine, rows):
        mark = engine.dialect.identifier_preparer.quote(source.watermark)
        above = f" WHERE {mark} > :after" if after else ""
        with engine.connect() as c:
            given = {"after": _value(after)} if after else {}
            upto = c.execute(text(f"SELECT MAX({mark}) FROM {rows}{above}"), given).scalar()  # noqa: S608
            lost = c.execute(text(f"SELECT 1 FROM {rows} WHERE {mark} IS NULL LIMIT 1"))  # noqa: S608
            if lost.first() is not None:
                raise BadInput(
                    f"a row has no {source.watermark}, so that it would never be collected",
                    where=_short(source.query),
                    do="Give it one, leave such rows out in the query, or use another watermark.",
                )
    return None if upto is None else _plain(upto, source)


def _taken(source: Sql, me: str, digest: str, after: list[str] | None, upto: list[str], attempt: Any) -> Taken:
    """The rows above ``after`` up to ``upto`` as one Parquet file, in the types of the table."""
    files = pieces.kept(_parts(attempt.project, source, after, upto), attempt.scratch / digest)
    fits = partial(table.fitting, f"{attempt.settings.data}/{attempt.lifecycle}")
    try:
        whole = pieces.joined(files, fits)
    except pl.exceptions.PolarsError as error:
        raise _mixed(source, error) from error
    content = Digest.of_json([digest, Digest.of_file(whole).hex]).hex
    return Taken(whole, content, {"sql": me, "watermark": upto}, bytes=whole.stat().st_size, own=True)


def _parts(project: Path, source: Sql, after: list[str] | None, upto: list[str]) -> pieces.Pieces:
    with _reading(project, source) as (engine, rows):
        mark = engine.dialect.identifier_preparer.quote(source.watermark)
        above = f"{mark} > :after AND " if after else ""
        query = text(f"SELECT * FROM {rows} WHERE {above}{mark} <= :upto ORDER BY {mark}")  # noqa: S608
        given = {"upto": _value(upto), **({"after": _value(after)} if after else {})}
        if source.address.whole.startswith(ADBC):
            yield from map(_told, _by_adbc(engine.url, query.bindparams(**given)))
            return
        with engine.connect().execution_options(stream_results=True, max_row_buffer=CHUNK) as c:
            result = c.execute(query, given)
            names = list(result.keys())
            for chunk in result.partitions(CHUNK):
                yield _frame([tuple(row) for row in chunk], names, source)


def _by_adbc(url: URL, query: TextClause) -> pieces.Pieces:
    backend = url.get_backend_name()
    plain = url.set(drivername=backend).render_as_string(hide_password=False)
    dialect: Any = make_url(f"{backend}://").get_dialect()
    named = dialect(paramstyle="named")  # in the others, a per cent sign is two
    written = str(query.compile(dialect=named, compile_kwargs={"literal_binds": True}))
    uri = str(url.database) if backend == "sqlite" else plain
    from noria.collect import adbc  # and with it pyarrow, which takes 0.1 s

    return adbc.rows(backend, uri, written, url.render_as_string())


def _frame(rows: list[tuple[Any, ...]], names: list[str], source: Sql) -> pl.DataFrame:
    if len(set(names)) < len(names):
        raise _bad(source, "two columns have one name", "Name them apart in the query.")
    try:
        frame = pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)
    except (pl.exceptions.PolarsError, TypeError, OverflowError) as error:
        raise _mixed(source, error) from error
    return _told(frame.with_columns(_text(one) for one in frame if one.dtype == pl.Object))


def _told(frame: pl.DataFrame) -> pl.DataFrame:
    told = [name for name, kind in frame.schema.items() if kind != pl.Null]  # of the others, a later part may tell
    return frame.with_columns(settled(frame.select(told)).get_columns())


def _text(values: pl.Series) -> pl.Series:
    """What is no number, time or text to Polars, such as a UUID, in its own spelling."""
    return pl.Series(values.name, [None if one is None else str(one) for one in values], dtype=pl.String)


@contextmanager
def _reading(project: Path, source: Sql) -> Iterator[tuple[Engine, str]]:
    """The database and what to select from; what goes wrong with it is one sentence."""
    try:
        engine = create_engine(_url(project, source), poolclass=NullPool)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise _bad(source, f"the URL cannot be used: {_first(error)}", "Correct it; install the driver.") from error
    query = source.query.strip().rstrip(";").replace(":", r"\:")
    try:
        yield engine, query if TABLE.fullmatch(query) else f"({query}\n) AS collected"
    except ProgrammingError as error:
        raise _bad(source, f"the query is refused: {_first(error)}", "Correct query or watermark.") from error
    except SQLAlchemyError as error:
        raise StoreUnavailable(
            f"the database {source.address} cannot be read: {_first(error)}",
            where=_short(source.query),
            do="See to it, then run the same command again; nothing is lost.",
        ) from error
    finally:
        engine.dispose()


def _url(project: Path, source: Sql) -> Any:
    url = make_url(source.address.whole.removeprefix(ADBC))
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return url
    file = project / url.database
    if not file.is_file():  # SQLite would make one
        raise _bad(source, f"there is no file {url.database}", "Correct the URL.")
    return url.set(database=str(file))


def _plain(value: Any, source: Sql) -> list[str]:
    """A watermark as plain data that keeps its type and all of its digits."""
    for kind, (which, write, _) in MARKS.items():
        if type(value) is which:
            return [kind, write(value)]
    raise _bad(source, f"{source.watermark} is a {type(value).__name__}", "Use a column of numbers, times or texts.")


def _value(mark: list[str]) -> Any:
    return MARKS[mark[0]][2](mark[1])


MARKS: dict[str, tuple[type, Any, Any]] = {
    "whole number": (int, str, int),
    "number": (float, repr, float),
    "decimal": (Decimal, str, Decimal),
    "text": (str, str, str),
    "time": (datetime, datetime.isoformat, datetime.fromisoformat),
    "day": (date, date.isoformat, date.fromisoformat),
}


def _mixed(source: Sql, error: Exception) -> BadInput:
    return _bad(source, f"a column has values of several types: {_first(error)}", "Cast it in the query.")


def _bad(source: Sql, what: str, do: str) -> BadInput:
    return BadInput(f"{_short(source.query)} cannot be collected: {what}", where=str(source.address), do=do)


def _short(query: str) -> str:
    words = " ".join(query.split())
    return words if len(words) <= 60 else f"{words[:57]}..."


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
