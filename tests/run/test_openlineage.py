"""What happens is told to a real OpenLineage collector and to StatsD; a listener that is away fails nothing."""

import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import projects
from airflow import environment
from noria import settings
from noria.errors import NoriaError
from noria.run import announce
from noria.run.local import turn
from noria.run.openlineage import seconds
from noria.run.place import Place, open_place
from noria.store import alerts, runs


@contextmanager
def collector() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The address of a server for events, and what it got, each with the key that came along."""
    got: list[dict[str, Any]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/api/v1/lineage"
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            got.append(event | {"key": self.headers.get("Authorization")})
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", got
        server.shutdown()
        thread.join()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return projects.write(tmp_path / "loans")


def place_of(file: Path, **told: str) -> Place:
    announce.forget()
    return open_place(replace(settings.load(file.parent, environ={}), **told))


def test_runs_datasets_and_models_reach_a_collector_as_the_specification_wants_them(file: Path) -> None:
    with collector() as (url, got):
        turned = turn(place_of(file, lineage=url, lineage_key="k"), file)
        turn(place_of(file, lineage=url), file, force=["deploy"])
    assert {event.pop("key") for event in got} == {"Bearer k", None}
    done = subprocess.run(
        [environment.python(), Path(__file__).parent.parent / "airflow" / "read_openlineage.py"],
        input=json.dumps(got), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == str(len(got)), done.stderr[-2000:]

    kinds: dict[str, list[str]] = {}
    for event in got:
        kinds.setdefault(event["run"]["runId"], []).append(event["eventType"])
    assert set(map(tuple, kinds.values())) == {("START", "COMPLETE")}
    assert len(kinds) == 2 * (1 + len(turned.steps))  # the runs, and their steps, those that were reused too

    def versions(job: str, side: str) -> dict[str, str]:
        [event] = [one for one in got[: len(got) // 2] if one["job"]["name"] == job and one["eventType"] == "COMPLETE"]
        return {one["name"]: one["facets"]["version"]["datasetVersion"] for one in event[side]}

    assert versions("loans.collect", "outputs") == {"data/loans": "1"}
    assert versions("loans.train", "inputs") == {"data/loans": "1"}
    assert versions("loans.release", "outputs") == {"model/loans": "1"}
    assert versions("loans.deploy", "inputs") == {"data/loans": "1", "model/loans": "1"}
    [candidate] = versions("loans.train", "outputs").values()
    assert candidate == turned_model(file)


def turned_model(file: Path) -> str:
    place = place_of(file)
    with place.store.read() as c:
        return str(runs.result(c, runs.step(c, "loans-1", "train").id).outputs["model"].digest.hex)


def test_how_long_a_step_waited_and_took_is_on_record_and_goes_to_statsd(file: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd:
        statsd.bind(("127.0.0.1", 0))
        statsd.settimeout(5)
        turned = turn(place_of(file, statsd=f"127.0.0.1:{statsd.getsockname()[1]}"), file)
        lines = set()
        while "noria.loans.run.done:1|c" not in lines:
            lines.add(statsd.recv(1000).decode())
    before = turned.run.started_at
    for step in turned.steps:
        assert step.ready_at == before  # when the step before it had ended
        assert f"noria.loans.{step.step}.done:1|c" in lines
        assert (
            f"noria.loans.{step.step}.waiting:{1000 * (seconds(step.ready_at, step.started_at) or 0):.0f}|ms" in lines
        )
        assert (
            f"noria.loans.{step.step}.duration:{1000 * (seconds(step.started_at, step.ended_at) or 0):.0f}|ms" in lines
        )
        assert step.ended_at is not None
        before = step.ended_at


def ms(start: datetime | None, end: datetime | None) -> str:
    took = seconds(start, end)
    assert took is not None
    return f"{1000 * took:.0f}"


def test_a_failed_run_is_an_event_and_an_alert_and_closing_it_twice_tells_once(file: Path) -> None:
    projects.change(file, 'LogisticRegression(C=params["C"])', "1 / 0")
    with collector() as (url, got):
        place = place_of(file, lineage=url)
        with pytest.raises(NoriaError):
            turn(place, file)
        with place.store.read() as c:
            run = runs.get(c, "loans-1")
        announce.run_ended(place, run)
    [failed] = [one for one in got if one["job"]["name"] == "loans.tune" and one["eventType"] == "FAIL"]
    assert "ZeroDivisionError" in failed["run"]["facets"]["errorMessage"]["message"]
    assert got[-2]["eventType"] == "FAIL"
    with place.store.read() as c:
        [alert] = list(alerts.newest(c, "loans"))
    assert alert.what.startswith("run 1 of loans failed: ")


def test_listeners_that_are_away_are_told_once_and_fail_nothing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        turned = turn(place_of(file, lineage=f"http://{where}", statsd="nowhere:port"), file)
    assert turned.run.state == "done"
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(" at ")[0] for line in said] == ["noria: OpenLineage", "noria: StatsD"]
