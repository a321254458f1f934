import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine, inspect, text

import faults
from contracts.metadata import MetadataContract
from noria.errors import StoreUnavailable, UserError
from noria.store import datasets
from noria.store.engine import Store, open_store
from noria.store.migrations.upgrade import _config
from noria.store.tables import metadata


class TestSqlite(MetadataContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        store = open_store(f"sqlite:///{tmp_path / 'noria.db'}")
        yield store
        store.close()


@pytest.mark.system
class TestPostgres(MetadataContract):
    @pytest.fixture
    def store(self, postgres_url: str) -> Iterator[Store]:
        store = open_store(postgres_url)
        yield store
        store.close()


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.system)])
def test_the_migrations_make_the_tables_that_the_code_speaks_of(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'n.db'}" if engine == "sqlite" else request.getfixturevalue("postgres_url")
    store = open_store(url)
    found = inspect(store.engine)
    assert set(found.get_table_names()) - {"alembic_version"} == set(metadata.tables)
    for name, table in metadata.tables.items():
        assert {c["name"] for c in found.get_columns(name)} == {c.name for c in table.columns}
        assert {i["name"] for i in found.get_indexes(name) if not i.get("duplicates_constraint")} == {
            i.name for i in table.indexes
        }
    store.close()


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.system)])
def test_of_several_that_make_a_store_at_once_each_gets_it(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    for turn in range(3):
        new = f"sqlite:///{tmp_path / f'{turn}.db'}"
        url = new if engine == "sqlite" else request.getfixturevalue("postgres").database()
        together = get_context("fork").Barrier(6)

        def opened(_: int, url: str = url, together: Barrier = together) -> None:
            together.wait()
            open_store(url).close()

        assert all(through for through, _ in [faults.ended(*one) for one in [faults.begun(opened) for _ in range(6)]])


def test_a_new_file_that_another_process_is_just_making_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "noria.db"
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr("noria.store.engine.sleep", lambda _: other.close())
    open_store(f"sqlite:///{file}").close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        other.execute("COMMIT")


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "noria.db"
    file.write_text("not a database at all, but a poem " * 100)
    with pytest.raises(StoreUnavailable, match="damaged"):
        open_store(f"sqlite:///{file}")
    assert file.read_text().startswith("not a database")


def test_a_database_of_a_newer_noria_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "noria.db"
    open_store(f"sqlite:///{file}").close()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreUnavailable, match="newer noria"):
        open_store(f"sqlite:///{file}")


def test_a_locked_database_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("noria.store.engine.BUSY_MS", 200)
    file = tmp_path / "noria.db"
    store = open_store(f"sqlite:///{file}")
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreUnavailable, match="Another process holds it"), store.begin():
        pass
    holder.close()
    store.close()


def test_a_server_that_is_away_is_one_sentence() -> None:
    with pytest.raises(StoreUnavailable, match="can be reached"):
        open_store("postgresql+psycopg://noria@127.0.0.1:9/none")


def test_what_is_no_url_is_the_users_mistake() -> None:
    with pytest.raises(UserError, match="is not a database URL"):
        open_store("a database, please")


def test_a_database_of_another_kind_is_refused_with_those_there_are() -> None:
    with pytest.raises(UserError, match="mysql is no database") as caught:
        open_store("mysql://root@127.0.0.1/noria")
    assert "postgresql://" in caught.value.do


def test_a_postgresql_url_needs_no_driver(postgres_url: str) -> None:
    store = open_store(postgres_url.replace("+psycopg", ""))
    with store.read() as c:
        assert c.dialect.driver == "psycopg"
    store.close()


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.system)])
def test_a_database_of_the_first_revision_keeps_its_rows(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'n.db'}" if engine == "sqlite" else request.getfixturevalue("postgres_url")
    first = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    config = _config()
    with first.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text(
                "INSERT INTO batch (id, dataset, number, digest, rows, bytes, origin, source, state, arrived_at) "
                "VALUES ('b', 'loans', 1, 'd', 10, 100, 'files', '{}', 'accepted', '2026-01-01 00:00:00')"
            )
        )
    first.dispose()
    store = open_store(url)
    with store.read() as c:
        (kept,) = datasets.batches(c, "loans")
    assert (kept.id, kept.rows, kept.rows_digest) == ("b", 10, None)
    store.close()


def test_a_database_of_the_newest_revision_is_opened_without_what_migrates(tmp_path: Path) -> None:
    """To load that takes longer than most commands, and to look whether anything is missing is to write."""
    url = f"sqlite:///{tmp_path / 'n.db'}"
    open_store(url).close()
    code = f"import sys; from noria.store import engine; engine.open_store({url!r}); print('alembic' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["False"]
