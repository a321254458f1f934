"""The metadata store and the tables away, the real PostgreSQL stopped: serving goes on, and all is kept once."""

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import polars as pl
import pytest

import projects
from database import Postgres, postgres
from noria import settings
from noria.data import captured
from noria.run.local import turn
from noria.run.place import Place, open_place
from noria.store import routes
from serve.live import ROW, Live, until
from serve.test_meter import at
from serve.test_operations import samples

pytestmark = pytest.mark.system


@pytest.fixture
def database() -> Iterator[Postgres]:
    """One that nobody else uses: it is stopped in between."""
    with postgres() as found:
        yield found


@pytest.fixture
def project(database: Postgres, tmp_path: Path) -> Iterator[Place]:
    """A project on that database, turned once."""
    file = projects.write(tmp_path / "project", count=300)
    (file.parent / "noria.toml").write_text(f'db = "{database.database()}"\nactor = "tester"\n')
    place = open_place(settings.load(file.parent, environ={}))
    turn(place, file)
    yield place
    place.store.close()


def segments(spool: Path) -> int:
    """How many are complete, or planned to be carried on."""
    return sum(1 for _ in spool.glob("*.seg"))


def ready(server: Live) -> int:
    """The status of its readiness; 0 while nobody listens."""
    try:
        return server.http.get("/v2/health/ready").status_code
    except httpx.HTTPError:
        return 0


def test_serving_goes_on_for_long_and_everything_is_in_the_tables_once_afterwards(
    project: Place, database: Postgres
) -> None:
    data, spool = Path(project.settings.data), project.settings.spool
    with Live(project.settings.home.parent) as server:
        answered = [server.predict(ROW).json()["predictions"][0]["id"]]
        until(lambda: captured.predictions(project.settings, "loans").height == 1, "the tables")
        project.store.close()
        database.stop()
        shutil.move(data / "_captured", data / "_elsewhere")
        (data / "_captured").write_text("the disk that was here is away")
        sources = []
        for number in range(50):  # tokens and routes are looked for meanwhile, and the tables
            answered.append(server.predict(ROW).json()["predictions"][0]["id"])
            source = f"away {number}"
            told = server.http.post(
                "/v2/feedback", json={"prediction_id": answered[-1], "label": "yes", "source": source}
            )
            assert told.status_code == 200, told.text
            sources.append(source)
            if number % 10 == 9:
                until(lambda least=number // 10: segments(spool) > least, "another segment")
        assert server.http.get("/v2/health/ready").status_code == 200
        found = samples(server)
        assert found[at("noria_shed_total")] == 0
        assert found[at("noria_spool_bytes")] > 0
        worker = server.children("noria.cli.main")[0]
        server.kill(worker)  # who starts now knows no routes, says that it is not ready, and keeps what is there
        until(lambda: set(server.children("noria.cli.main")) - {worker}, "another worker")
        until(lambda: ready(server) not in (0, 200), "it to answer that it is not ready")
        database.start()
        (data / "_captured").unlink()
        shutil.move(data / "_elsewhere", data / "_captured")
        until(lambda: ready(server) == 200, "the server to be ready again")
        place = open_place(settings.load(project.settings.home.parent, environ={}))
        with place.store.begin() as c:
            made = routes.set_weights(c, place.clock, "loans", {"1": 7}, actor="tester", reason="it is back")
        place.store.close()
        until(lambda: server.http.get("/v2/noria/routes/loans").json()["revision"] == made.revision, "the route")
        answered.append(server.predict(ROW).json()["predictions"][0]["id"])
        assert server.stop() == 0
    assert Counter(captured.predictions(project.settings, "loans")["id"]) == Counter(answered)
    told = pl.read_delta(captured.path(project.settings, "loans", "feedback"))
    assert Counter(told["source"]) == Counter(sources)
