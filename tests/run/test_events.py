"""Airflow hears of every version that is committed outside of it; one that is away stops nobody."""

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import projects
from noria import settings
from noria.run.collecting import collect
from noria.run.local import turn
from noria.run.place import Place, open_place
from noria.run.watch import Watching
from noria.store import datasets, orchestrated, runs, watches
from serve.live import until


class Api(BaseHTTPRequestHandler):
    """As much of Airflow's API as an event needs."""

    heard: list[Any]
    assets: list[dict[str, Any]]

    def answer(self, code: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        allowed = self.headers.get("Authorization") == "Bearer sesame"
        self.answer(200 if allowed else 401, {"assets": self.assets})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/auth/token":
            ok = body == {"username": "noria", "password": "p:w"}
            self.answer(201 if ok else 401, {"access_token": "sesame"})
            return
        self.heard.append(body)
        self.answer(200, {})

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def api() -> Iterator[tuple[str, type[Api]]]:
    handler = type("OneApi", (Api,), {"heard": [], "assets": [{"id": 7, "uri": "noria://dataset/loans/"}]})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", handler
        server.shutdown()
        thread.join()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    file = projects.write(tmp_path / "p")
    (tmp_path / "login").write_text("noria:p:w\n")
    return file


def place_of(project: Path, url: str) -> Place:
    login = project.parent.parent / "login"
    environ = {"NORIA_ACTOR": "tester", "NORIA_AIRFLOW": url, "NORIA_AIRFLOW_LOGIN": str(login)}
    return open_place(settings.load(project.parent, environ=environ))


def test_a_version_that_is_collected_is_told_and_left_for_airflow_to_turn(
    project: Path, api: tuple[str, type[Api]]
) -> None:
    url, handler = api
    place = place_of(project, url)
    found = collect(place, project)
    assert (found.troubles, found.run.trigger, found.done.step.state) == ((), "collect", "done")
    (event,) = handler.heard
    assert event["asset_id"] == 7
    assert (event["extra"]["dataset"], event["extra"]["version"], event["extra"]["rows"]) == ("loans", 1, 600)
    with place.store.read() as c:
        assert datasets.get_version(c, "loans", 1).digest == event["extra"]["digest"]
        key = orchestrated.key_of(observed(place, project))
        assert orchestrated.taken(c, "loans", key) is None
    assert collect(place, project).done.step.state == "reused"  # nothing new: nothing is told
    assert len(handler.heard) == 1
    turned = turn(place, project).run  # somebody turns it here: it is taken
    with place.store.read() as c:
        assert orchestrated.taken(c, "loans", key) == turned.id
    place.store.close()


def observed(place: Place, project: Path) -> Any:
    from noria.collect.step import observe
    from noria.run.local import compile_file, load

    code = load(project)
    step = compile_file(place, project, code).step("collect")
    return observe(code.world(place, step), step)


@pytest.mark.parametrize("wrong", ["away", "login", "asset", "address", "no login"])
def test_an_airflow_that_cannot_be_told_is_said_and_fails_nobody(
    project: Path, api: tuple[str, type[Api]], wrong: str
) -> None:
    url, handler = api
    said = {
        "away": "Connection refused",
        "login": "401 Unauthorized",
        "asset": "it knows no asset noria://dataset/loans; export the lifecycle first",
        "address": "'ftp://there/api/v2",
        "no login": "No such file or directory",
    }
    handler.assets = [] if wrong == "asset" else handler.assets
    login = project.parent.parent / "login"
    if wrong == "login":
        login.write_text("noria:guess")
    if wrong == "no login":
        login.unlink()
    place = place_of(project, {"away": "http://127.0.0.1:9", "address": "ftp://there"}.get(wrong, url))
    if wrong in ("away", "address"):
        login.write_text("a token")
    found = collect(place, project)
    assert found.done.step.state == "done"
    (trouble,) = found.troubles
    assert said[wrong] in trouble
    assert trouble.endswith("Nothing is lost: the sweep finds it.")
    assert handler.heard == []
    place.store.close()


def looked(place: Place, project: Path) -> list[Mapping[str, Any]]:
    """The events of one look of a watch."""
    told: list[Mapping[str, Any]] = []
    Watching(place, project, 0.05, told.append).run(once=True)
    return told


def test_what_calls_for_a_turn_is_an_event_where_airflow_turns_the_wheel(
    project: Path, api: tuple[str, type[Api]]
) -> None:
    url, handler = api
    place = place_of(project, url)
    events = looked(place, project)
    assert [one["event"] for one in events if one["event"] in ("posted", "turn", "ended")] == ["posted"]
    (event,) = handler.heard
    assert event["asset_id"] == 7
    assert (event["extra"]["dataset"], event["extra"]["trigger"]) == ("loans", "new data")
    assert "inbox/1.csv" in event["extra"]["why"]
    looked(place, project)  # the same call is posted once, also by the next process
    assert len(handler.heard) == 1
    with place.store.begin() as c:
        assert watches.ask(c, "loans", id="a1", reason="new rules from Monday on", actor="ada")
    looked(place, project)
    assert [one["extra"]["trigger"] for one in handler.heard] == ["new data", "person"]
    assert handler.heard[-1]["extra"]["why"] == "new rules from Monday on"
    looked(place, project)
    assert len(handler.heard) == 2
    with place.store.read() as c:
        assert runs.newest(c, "loans") == []  # nobody turned it here
    place.store.close()


def test_a_call_that_airflow_does_not_take_is_told_and_posted_when_it_is_back(
    project: Path, api: tuple[str, type[Api]]
) -> None:
    url, handler = api
    projects.change(project, "    release=", '    feedback=nr.Feedback(pause="1s"),\n    release=')
    known, handler.assets = handler.assets, []
    place = place_of(project, url)
    [ended] = [one for one in looked(place, project) if one["event"] == "ended"]
    assert ended["state"] == "failed"
    assert "it knows no asset noria://dataset/loans" in ended["message"]
    handler.assets = known
    until(lambda: [one for one in looked(place, project) if one["event"] == "posted"], "the call to be posted")
    assert [one["extra"]["trigger"] for one in handler.heard] == ["new data"]
    place.store.close()
