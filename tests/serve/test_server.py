"""The real server: what it answers, how it follows routes, and that it keeps what it said it keeps."""

import json
import os
import random
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import noria as root
from conftest import free_port
from noria.data import captured
from noria.run.place import Place
from noria.serve import segment
from noria.serve.ids import Ids
from noria.store import routes
from serve.live import ROW, Live, alive, noria, until

pytestmark = pytest.mark.system
INPUTS = [
    {"name": "age", "datatype": "FP32", "shape": [2], "data": [40, 41]},
    {"name": "amount", "datatype": "FP32", "shape": [2], "data": [50.5, 30]},
    {"name": "job", "datatype": "BYTES", "shape": [2], "data": ["clerk", "nurse"]},
    {"name": "sex", "datatype": "BYTES", "shape": [2], "data": ["f", "m"]},
]


def route(project: Place, weights: dict[str, int]) -> int:
    """Divide the traffic anew; the revision."""
    with project.store.begin() as c:
        made = routes.set_weights(c, project.clock, "loans", weights, actor="tester", reason="a test")
    return made.revision


def followed(server: Live, revision: int) -> bool:
    return server.http.get("/v2/models/loans").json()["parameters"]["revision"] == revision


def table(project: Place, kind: str) -> pl.DataFrame:
    return pl.read_delta(captured.path(project.settings, "loans", kind))


def test_health_and_metadata_are_those_of_the_open_inference_protocol(server: Live) -> None:
    get = server.http.get
    assert get("/v2/health/live").json()["live"] is True
    assert get("/v2/health/ready").json()["ready"] is True
    about = get("/v2").json()
    assert get("/v2/").json() == about
    assert (about["name"], about["version"]) == ("noria", root.__version__)
    assert "binary_tensor_data" in about["extensions"]
    assert get("/v2/models").json() == {"models": ["loans"]}
    for place in ("", "/versions/1", "/versions/2"):
        assert get(f"/v2/models/loans{place}/ready").json() == {"name": "loans", "ready": True}
        model = get(f"/v2/models/loans{place}").json()
        assert (model["name"], model["platform"], model["versions"]) == ("loans", "noria", ["1", "2"])
        assert [(one["name"], one["datatype"]) for one in model["inputs"]] == [
            (one["name"], one["datatype"]) for one in INPUTS
        ]
        assert [(one["name"], one["shape"]) for one in model["outputs"]] == [("label", [-1]), ("probability", [-1, 2])]
    assert [(one["version"], one["state"]) for one in server.http.post("/v2/repository/index").json()] == [
        ("1", "READY"), ("2", "READY"),
    ]  # fmt: skip


def test_two_versions_answer_at_once_each_with_its_own_model(server: Live) -> None:
    answers = {}
    for number in (1, 2):
        said = server.http.post(f"/v2/models/loans/versions/{number}/infer", json={"id": "x", "inputs": INPUTS}).json()
        label, probability = said["outputs"]
        assert (said["model_name"], said["model_version"], said["id"]) == ("loans", str(number), "x")
        assert (label["datatype"], label["shape"], probability["shape"]) == ("BYTES", [2], [2, 2])
        yes = np.array(probability["data"]).reshape(2, 2)[:, probability["parameters"]["classes"].index("yes")]
        assert label["data"] == ["yes" if one > 0.5 else "no" for one in yes]
        rows = [{one["name"]: one["data"][row] for one in INPUTS} for row in range(2)]
        predicted = server.predict(*rows, version=number)
        assert [one["probabilities"]["yes"] for one in predicted.json()["predictions"]] == pytest.approx(list(yes))
        assert predicted.headers["noria-model-version"] == str(number)
        answers[number] = tuple(yes)
    assert answers[1] != answers[2]


def test_tensors_may_be_bytes_and_bodies_may_be_packed(server: Live) -> None:
    import gzip
    import zlib

    plain = {"inputs": INPUTS}
    expected = server.http.post("/v2/models/loans/versions/1/infer", json=plain).json()["outputs"][1]["data"]
    tail = np.array([40, 41], "<f4").tobytes()
    first = {**{k: v for k, v in INPUTS[0].items() if k != "data"}, "parameters": {"binary_data_size": len(tail)}}
    head = json.dumps({"inputs": [first, *INPUTS[1:]], "parameters": {"binary_data_output": True}}).encode()
    packers = {None: bytes, "gzip": gzip.compress, "deflate": zlib.compress, "identity": bytes}
    for name, pack in packers.items():
        headers = {"inference-header-content-length": str(len(head))} | ({"content-encoding": name} if name else {})
        reply = server.http.post("/v2/models/loans/versions/1/infer", content=pack(head + tail), headers=headers)
        assert reply.status_code == 200, reply.text
        length = int(reply.headers["inference-header-content-length"])
        *_, probability = json.loads(reply.content[:length])["outputs"]
        assert probability["parameters"]["binary_data_size"] == 16
        assert np.frombuffer(reply.content[-16:], "<f4").tolist() == pytest.approx(expected)


V1 = "/v2/models/loans/versions/1"


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "said"),
    [
        ("POST", "/v2/models/cats/infer", {"json": {"inputs": INPUTS}}, 404, "no model cats"),
        ("POST", "/v2/models/cats/predict", {"json": {"rows": [ROW]}}, 404, "no model cats"),
        ("POST", "/v2/models/loans/versions/9/infer", {"json": {"inputs": INPUTS}}, 404, "no version 9"),
        ("POST", "/v2/models/loans/versions/one/infer", {"json": {"inputs": INPUTS}}, 404, "'one'"),
        ("GET", "/v2/models/cats", {}, 404, "no model cats"),
        ("GET", "/v2/models/cats/ready", {}, 404, "no model cats"),
        ("GET", "/v2/models/loans/versions/9", {}, 404, "no version 9"),
        ("GET", "/v2/models/loans/versions/9/ready", {}, 404, "no version 9"),
        ("GET", f"/v2/models/loans/versions/{'9' * 5000}", {}, 404, "no number"),
        ("GET", "/", {}, 404, "nothing at /"),
        ("GET", "/v2/nothing", {}, 404, "nothing at /v2/nothing"),
        ("GET", f"{V1}/infer", {}, 405, "use POST"),
        ("DELETE", "/v2/models/loans", {}, 405, "use GET"),
        ("POST", f"{V1}/infer", {"content": b"{"}, 400, "not what is expected"),
        ("POST", f"{V1}/infer", {"json": {"inputs": INPUTS[:1]}}, 400, "'amount' is missing"),
        ("POST", f"{V1}/infer", {"content": b"{}", "headers": {"inference-header-content-length": "x"}}, 400, "'x'"),
        ("POST", f"{V1}/infer", {"content": b"{}", "headers": {"inference-header-content-length": "3"}}, 400, "'3'"),
        ("POST", f"{V1}/infer", {"content": b"{}", "headers": {"content-encoding": "gzip"}}, 400, "not gzip"),
        ("POST", f"{V1}/infer", {"content": b"{}", "headers": {"content-encoding": "br"}}, 415, "br is not known"),
        ("POST", f"{V1}/infer", {"content": bytes((64 << 20) + 1)}, 413, "at most"),
        ("POST", f"{V1}/predict", {"json": {"rows": []}}, 400, "no rows"),
        ("POST", f"{V1}/predict", {"json": {"rows": [{**ROW, "age": "old"}]}}, 400, "no number"),
        ("POST", f"{V1}/predict", {"json": {"rows": [{**ROW, "age": 2**70, "more": 2**70}]}}, 400, "cannot answer"),
        ("POST", "/v2/feedback", {"json": {"prediction_id": "x", "label": "yes"}}, 404, "no prediction x"),
        ("POST", "/v2/feedback", {"json": {"prediction_id": Ids().new("loans")}}, 400, "says nothing"),
        ("POST", "/v2/models/cats/feedback", {"json": {"prediction_id": "x", "label": "yes"}}, 404, "no model cats"),
    ],
)
def test_a_request_that_cannot_be_answered_says_why(
    server: Live, method: str, path: str, sent: dict[str, Any], status: int, said: str
) -> None:
    reply = server.http.request(method, path, **sent)
    assert reply.status_code == status, reply.text
    assert reply.json().keys() == {"error"}
    assert said in reply.json()["error"]
    assert "\n" not in reply.json()["error"]


@given(
    st.sampled_from(["GET", "POST", "PUT"]),
    st.lists(
        st.sampled_from(["v2", "models", "loans", "versions", "1", "infer", "predict", "feedback", "ready", ""])
        | st.text(min_size=1, max_size=5),
        max_size=7,
    ),
    st.binary(max_size=30),
)
@settings(max_examples=60)
def test_no_path_and_no_body_is_an_accident_of_the_server(
    server: Live, method: str, parts: list[str], body: bytes
) -> None:
    from urllib.parse import quote

    path = "/".join(quote(part, safe="") for part in ["", "v2", *parts])
    reply = server.http.request(method, path.replace("..", "dots"), content=body if method != "GET" else None)
    assert reply.status_code < 500
    assert reply.status_code == 200 or reply.json().keys() == {"error"}


def test_a_subject_keeps_its_version_and_a_raised_weight_only_draws_subjects_to_it(shared: Place, server: Live) -> None:
    def ask() -> dict[str, str]:
        return {s: server.predict(subject=s).json()["model_version"] for s in (f"s{n}" for n in range(150))}

    until(lambda: followed(server, route(shared, {"1": 70, "2": 30})), "the route")
    first = ask()
    assert 15 < list(first.values()).count("2") < 80  # 45 of 150 expected; over five sigma
    assert ask() == first
    done = noria(shared.settings.home.parent, "route", "set", "loans", "1=50", "2=50", "--json")
    assert done.returncode == 0, done.stderr
    until(lambda: followed(server, json.loads(done.stdout)["revision"]), "the route")
    second = ask()
    assert {s for s in first if second[s] != first[s]} <= {s for s in first if first[s] == "1"}
    assert list(second.values()).count("2") > list(first.values()).count("2")
    anonymous = {server.predict().json()["model_version"] for _ in range(40)}
    assert anonymous == {"1", "2"}


@contextmanager
def hammering(server: Live, callers: int = 3) -> Iterator[list[tuple[int, str]]]:
    """Callers that ask without a pause; what they got, as status and version."""
    got: list[tuple[int, str]] = []
    ended = threading.Event()

    def ask(name: int) -> None:
        with httpx.Client(base_url=server.url, timeout=60) as http:
            while not ended.is_set():
                try:
                    reply = http.post("/v2/models/loans/predict", json={"rows": [ROW], "subject": f"{name}"})
                    got.append((reply.status_code, reply.headers.get("noria-model-version", reply.text)))
                except httpx.HTTPError as error:
                    got.append((0, repr(error)))

    threads = [threading.Thread(target=ask, args=(name,)) for name in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield got
    finally:
        ended.set()
        for thread in threads:
            thread.join(60)


def test_routes_are_followed_without_a_restart_and_no_request_fails_in_many_switches(
    project: Place, folder: Path
) -> None:
    route(project, {"1": 100})
    with Live(folder) as server, hammering(server) as got:
        for turn in range(12):
            number = str(2 - turn % 2)
            revision = route(project, {number: 100} if turn % 3 else {number: 99, str(3 - int(number)): 1})
            until(lambda revision=revision: followed(server, revision), "the route")
            seen = len(got)
            until(lambda seen=seen: len(got) > seen + 6, "answers under the new route")
            if turn % 3:
                late = [version for _, version in got[seen:] if version != number]
                assert len(late) <= 3  # of each caller, the answer that was on its way when the route changed
        other = f"/v2/models/loans/versions/{3 - int(number)}"
        assert server.http.get(f"{other}/ready").json() == {"name": "loans", "ready": False}
        assert server.http.get(other).status_code == 200  # who asks for it has it loaded
        assert server.http.get(f"{other}/ready").json() == {"name": "loans", "ready": True}
    assert {status for status, _ in got} == {200}, [one for one in got if one[0] != 200][:3]
    assert {version for _, version in got} == {"1", "2"}


def test_a_stop_answers_what_is_under_way_and_carries_everything_into_the_tables(project: Place, folder: Path) -> None:
    with Live(folder) as server:
        reply = server.predict()
        first = reply.json()["predictions"][0]["id"]
        told = server.http.post("/v2/feedback", json={"prediction_id": first, "label": "yes", "source": "drain"})
        assert told.json() == {"accepted": 1}
        body = json.dumps({"rows": [ROW]}).encode()
        head = f"POST /v2/models/loans/predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as slow:
            slow.sendall(head + body[:10])
            server.http.get("/v2")  # it is read by now, too
            os.killpg(server.process.pid, signal.SIGTERM)  # as a service manager does: to all of its processes
            until(lambda: not listens(server.port), "the server to take no more")
            slow.sendall(body[10:])
            answer = b""
            while part := slow.recv(65_536):
                answer += part
        assert b" 200 " in answer.partition(b"\r\n")[0]
        second = json.loads(answer.partition(b"\r\n\r\n")[2])["predictions"][0]["id"]
        assert server.process.wait(60) == 0
        assert "Traceback" not in server.log()
    assert {path.name for path in project.settings.spool.iterdir()} <= {"lock", "meters"}
    found = Counter(table(project, "predictions")["id"])
    assert found == {first: 1, second: 1}
    assert table(project, "feedback")["source"].to_list() == ["drain"]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Client(threading.Thread):
    """Sends predictions and feedback to a server that comes and goes; remembers what was acknowledged."""

    def __init__(self, url: str, name: int) -> None:
        super().__init__()
        self.url, self.number = url, name
        self.predictions: list[str] = []
        self.feedback: list[str] = []
        self.refused: list[str] = []
        self.ended = threading.Event()

    def run(self) -> None:
        tries = 0
        while not self.ended.is_set():
            tries += 1
            try:
                with httpx.Client(base_url=self.url, timeout=10) as http:
                    while not self.ended.is_set():
                        tries += 1
                        self._turn(http, f"kill {self.number} {tries}")
            except httpx.HTTPError:
                self.ended.wait(0.01)  # nobody listens just now

    def _turn(self, http: httpx.Client, source: str) -> None:
        reply = http.post("/v2/models/loans/predict", json={"rows": [ROW, ROW], "subject": source})
        if reply.status_code != 200:
            self.refused.append(reply.text)
            return
        ids = [one["id"] for one in reply.json()["predictions"]]
        self.predictions += ids
        sent = {"prediction_id": ids[0], "label": "yes", "source": source}
        reply = http.post("/v2/feedback", json=sent)
        if reply.status_code == 200:
            self.feedback.append(source)
        else:
            self.refused.append(reply.text)


COMMANDS = {"worker": "noria.cli.main", "carrier": "noria.serve.carrier"}


def test_whoever_is_killed_all_that_was_acknowledged_is_in_the_tables_once(project: Place, folder: Path) -> None:
    seed = random.SystemRandom().randrange(10**9)
    print(f"seed {seed}")
    dice = random.Random(seed)
    port = free_port()
    clients = [Client(f"http://127.0.0.1:{port}", number) for number in range(2)]
    for client in clients:
        client.start()

    def acknowledged() -> int:
        return sum(len(client.predictions) + len(client.feedback) for client in clients)

    def some_more() -> None:
        goal = acknowledged() + dice.randint(20, 400)
        until(lambda: acknowledged() >= goal, "answers")

    order = dice.sample(["worker", "carrier"], 2)
    try:
        with Live(folder, port) as server:
            for one in order:
                some_more()
                (victim,) = server.children(COMMANDS[one])
                server.kill(victim)
                until(lambda s=server, o=one, v=victim: set(s.children(COMMANDS[o])) - {v}, f"another {one}")
            some_more()
            server.kill(server.process.pid, *server.children())
        with Live(folder, port) as server:
            some_more()
            children = server.children()
            server.kill(server.process.pid)
            until(lambda: not any(map(alive, children)), "its processes to end with it")
        with Live(folder, port) as server:
            some_more()
            for client in clients:
                client.ended.set()
            for client in clients:
                client.join(60)
            assert server.stop() == 0
    finally:
        for client in clients:
            client.ended.set()
            client.join(60)
    assert [text for client in clients for text in client.refused] == []
    predictions, feedback = Counter(table(project, "predictions")["id"]), Counter(table(project, "feedback")["source"])
    lost = [id for client in clients for id in client.predictions if predictions[id] != 1]
    untold = [source for client in clients for source in client.feedback if feedback[source] != 1]
    assert (lost, untold) == ([], []), f"seed {seed}"
    assert max(predictions.values()) == 1, f"seed {seed}"
    assert max(feedback.values()) == 1, f"seed {seed}"


def test_a_damaged_spool_stops_nothing_and_costs_nothing_that_is_still_in_it(project: Place, folder: Path) -> None:
    spool = project.settings.spool
    id = Ids().new("loans")
    records = [segment.frame(segment.Told("loans", id, 1.0, "yes", None, f"damage {n}")) for n in range(6)]
    half = bytearray(records[1])
    half[20] ^= 0xFF
    spool.mkdir()
    (spool / f"{'a' * 32}.seg").write_bytes(b"".join([records[0], half, records[2], records[3][:-1]]))
    (spool / f"{'b' * 32}~999999999~1.open").write_bytes(records[4] + bytes(4096))
    (spool / f"{'c' * 32}.seg").write_bytes(b"junk" * 100)
    (spool / f"{'d' * 32}.flush").write_text("{")
    (spool / "stranger.open").write_bytes(records[5])
    with Live(folder) as server:
        assert server.predict().status_code == 200
        until(lambda: len(list(spool.glob("*.damaged"))) == 4, "the damage to be found")
        reply = server.http.post("/v2/feedback", json={"prediction_id": id, "label": "yes", "source": "damage after"})
        assert reply.status_code == 200
        assert server.stop() == 0
        assert server.log().count("was damaged") == 4
    found = Counter(table(project, "feedback")["source"])
    assert set(found) == {"damage 0", "damage 2", "damage 4", "damage after"}
    assert max(found.values()) == 1


def test_two_workers_share_the_port_and_capture_everything_once(project: Place, folder: Path) -> None:
    with Live(folder, workers=2) as server:
        assert len(server.children(COMMANDS["worker"])) == 2
        ids = []
        for _ in range(60):
            server.http.headers["connection"] = "close"  # the next request may meet the other worker
            ids.append(server.predict().json()["predictions"][0]["id"])
        assert server.stop(signal.SIGINT) == 0
    found = Counter(table(project, "predictions")["id"])
    assert found == dict.fromkeys(ids, 1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--port", "taken"], "cannot be used: Address already in use"),
        (["--host", "192.0.2.1", "--insecure"], "cannot be used: Cannot assign requested address"),
        (["--host", "no-such-host.invalid", "--insecure"], "cannot be used"),
        (["--port", "70000"], "'--port'"),
        (["--port", "http"], "'--port'"),
        (["--workers", "0"], "'--workers'"),
    ],
    ids=["a port that is taken", "another machine's address", "no address", "no port", "no number", "no workers"],
)
def test_an_address_that_cannot_be_had_is_the_users_mistake_in_one_sentence(
    folder: Path, options: list[str], said: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        words = [str(other.getsockname()[1]) if word == "taken" else word for word in options]
        done = noria(folder, "serve", *words)
    assert_mistake(done, said)


def test_a_folder_without_a_home_or_a_home_without_a_model_is_the_users_mistake(tmp_path: Path) -> None:
    assert_mistake(noria(tmp_path, "serve", "--port", "0"), "there is no noria home here")
    (tmp_path / ".noria").mkdir()
    assert_mistake(noria(tmp_path, "serve", "--port", "0"), "there is no model to serve yet")


def assert_mistake(done: Any, said: str) -> None:
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("noria: ")
