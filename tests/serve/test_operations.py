"""Operations over the network: metrics of all processes, who may do what, TLS, limits, the access log."""

import ipaddress
import json
import os
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from noria.client import Client
from noria.run.place import Place
from noria.serve.grpc.messages import message
from noria.store import audit, tokens
from serve.callers import Grpc
from serve.callers import Input as Tensor
from serve.conftest import copied
from serve.live import ROW, Live, noria, until
from serve.test_meter import at, values

pytestmark = pytest.mark.system
INFER = {
    "inputs": [
        {"name": name, "shape": [1], "datatype": "BYTES" if isinstance(value, str) else "FP64", "data": [value]}
        for name, value in ROW.items()
    ]
}
TENSORS = [Tensor(one["name"], one["datatype"].replace("64", "32"), one["data"]) for one in INFER["inputs"]]


def samples(server: Live) -> dict[frozenset[str], float]:
    reply = server.http.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain")
    return values(reply.content)


def make(place: Place, name: str, *roles: str) -> dict[str, str]:
    """The headers that a fresh token of these roles makes."""
    with place.store.begin() as c:
        _, secret = tokens.create(c, place.clock, name, roles, actor="ann")
    return {"authorization": f"Bearer {secret}"}


def test_metrics_tell_of_all_processes_and_both_protocols_what_was_asked(pristine: Path, tmp_path: Path) -> None:
    place = copied(pristine, tmp_path)
    with Live(place.settings.home.parent, workers=2) as server:
        caller = Grpc(server)
        for _ in range(10):  # each a connection of its own: by chance to either process
            with httpx.Client(base_url=server.url) as client:
                assert client.post("/v2/models/loans/infer", json=INFER).status_code == 200
                assert client.post("/v2/models/loans/predict", json={"rows": [ROW, ROW]}).status_code == 200
                assert client.post("/v2/models/loans/infer", json={"inputs": []}).status_code == 400
                assert client.post("/v2/models/nobody/infer", json=INFER).status_code == 404
        for raw in (False, True):
            id = caller.infer(TENSORS, raw=raw, version="1").parameters["prediction_id"]
        assert caller.tell(id, "yes") == 1
        caller.close()

        def counted() -> bool:
            found = samples(server)
            answered = [v for k, v in found.items() if "noria_request_seconds_count" in k and "rest" in k]
            return sum(answered) == 20 and found.get(at("noria_feedback_total", "loans")) == 1

        until(counted, "the counts of both processes")
        found = samples(server)
        rows = sum(v for k, v in found.items() if "noria_rows_total" in k)
        assert rows == 10 + 20 + 2
        assert sum(v for k, v in found.items() if "noria_request_seconds_count" in k and "grpc" in k) == 2
        assert found[at("noria_requests_refused_total", "rest", "loans", "400")] == 10
        assert found[at("noria_requests_refused_total", "rest", "", "404")] == 10
        assert found[at("noria_captured_total")] == 22
        assert found[at("noria_shed_total")] == 0
        assert at("noria_capture_lag_seconds") in found
        assert server.stop() == 0
    place.store.close()


@pytest.fixture(scope="module")
def guarded(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, Live, dict[str, dict]]]:
    """A server that asks for tokens, and a token for each role."""
    folder = tmp_path_factory.mktemp("guarded")
    place = copied(pristine, folder)
    held = {role: make(place, role, role) for role in tokens.ROLES}
    with Live(folder / "project", options=["--access-log", "access.log"]) as server:
        yield place, server, held
    place.store.close()


CALLS = [
    ("infer", "POST", "/v2/models/loans/infer", INFER),
    ("infer", "POST", "/v2/models/loans/predict", {"rows": [ROW]}),
    ("infer", "POST", "/invocations", {"dataframe_records": [ROW]}),
    ("infer", "GET", "/v2/models/loans", None),
    ("infer", "POST", "/v2/repository/index", {}),
    ("feedback", "POST", "/v2/feedback", {"feedback": []}),
    ("release", "POST", "/v2/repository/models/loans/load", {}),
    ("release", "GET", "/v2/noria/routes/loans", None),
    ("release", "PUT", "/v2/noria/routes/loans", {"weights": {"1": 1}}),
]


@pytest.mark.parametrize(("role", "method", "path", "body"), CALLS, ids=[f"{one[1]} {one[2]}" for one in CALLS])
def test_each_call_needs_a_token_of_its_role(
    guarded: tuple[Place, Live, dict[str, dict]], role: str, method: str, path: str, body: object
) -> None:
    _, server, held = guarded

    def status(headers: dict[str, str]) -> httpx.Response:
        return server.http.request(method, path, json=body, headers=headers)

    for headers in ({}, {"authorization": "Bearer noria_x_y"}):
        refused = status(headers)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert refused.json().keys() == {"error"}
    for other, headers in held.items():
        assert status(headers).status_code == (200 if other in (role, "admin") else 403), other


def test_health_is_for_all_and_metrics_for_this_machine(guarded: tuple[Place, Live, dict[str, dict]]) -> None:
    _, server, _ = guarded
    for path in ("/v2/health/live", "/v2/health/ready", "/metrics", "/openapi.json"):
        assert server.http.get(path).status_code == 200


def test_grpc_asks_for_the_same_tokens(guarded: tuple[Place, Live, dict[str, dict]]) -> None:
    _, server, held = guarded
    service = "/inference.GRPCInferenceService"
    sent = Grpc(server).request(TENSORS, raw=True).SerializeToString()
    unload = message("inference.RepositoryModelUnloadRequest")(model_name="loans").SerializeToString()
    kinds = grpc.StatusCode.OK, grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED
    with grpc.insecure_channel(server.grpc) as channel:

        def status(path: str, data: bytes, headers: dict[str, str]) -> int:
            _, call = (
                channel.unary_unary(path).with_call.__self__,
                channel.unary_unary(path).future(data, metadata=tuple(headers.items()), timeout=60),
            )
            return kinds.index(call.code())

        for path, data, role in (
            (f"{service}/ModelInfer", sent, "infer"),
            (f"{service}/RepositoryModelUnload", unload, "release"),
            ("/noria.Feedback/Tell", b"", "feedback"),
        ):
            assert status(path, data, {}) == 1
            for other, headers in held.items():
                assert status(path, data, headers) == (0 if other in (role, "admin") else 2)
        stream = channel.stream_stream(f"{service}/ModelStreamInfer")
        with pytest.raises(grpc.RpcError) as refused:
            list(stream(iter([sent]), timeout=60))
        assert refused.value.code() is kinds[1]
        assert len(list(stream(iter([sent]), metadata=tuple(held["infer"].items()), timeout=60))) == 1
        assert status(f"{service}/ServerLive", b"", {}) == status("/grpc.health.v1.Health/Check", b"", {}) == 0


def test_a_revoked_token_opens_nothing_within_a_second_or_so(guarded: tuple[Place, Live, dict[str, dict]]) -> None:
    place, server, _ = guarded
    headers = make(place, "shop", "infer")
    until(
        lambda: server.http.post("/v2/models/loans/infer", json=INFER, headers=headers).status_code == 200, "the token"
    )
    with place.store.begin() as c:
        tokens.revoke(c, place.clock, "shop", actor="ann")
    until(lambda: server.http.post("/v2/models/loans/infer", json=INFER, headers=headers).status_code == 401, "its end")


def test_a_route_is_changed_by_the_holder_of_a_token_and_the_log_of_decisions_names_it(
    guarded: tuple[Place, Live, dict[str, dict]],
) -> None:
    place, server, held = guarded
    path, own = "/v2/noria/routes/loans", held["release"]
    before = server.http.get(path, headers=own)
    revision = before.json()["revision"]
    assert before.headers["etag"] == f'"{revision}"'
    body = {"weights": {"1": 30, "2": 70}, "reason": "the second is better"}
    done = server.http.put(path, json=body, headers=own | {"if-match": before.headers["etag"]})
    assert (done.status_code, done.json()["weights"], done.json()["actor"]) == (200, {"1": 30, "2": 70}, "release")
    late = server.http.put(path, json={"weights": {"1": 1}}, headers=own | {"if-match": before.headers["etag"]})
    assert late.status_code == 412
    with place.store.read() as c:
        (last,) = audit.newest(c, 1)
    assert (last.actor, last.action, last.subject, last.reason) == (
        "release",
        "route",
        "endpoint:loans",
        body["reason"],
    )
    until(
        lambda: (
            server.http.get("/v2/models/loans", headers=held["infer"]).json()["parameters"]["weights"]
            == body["weights"]
        ),
        "the server to follow",
    )


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("loans", {"weights": {"9": 1}}, {}, 404),
        ("nobody", {"weights": {"1": 1}}, {}, 404),
        ("loans", {"weights": {"1": 0}}, {}, 400),
        ("loans", {"weights": {}}, {}, 400),
        ("loans", {"weights": {"1": -1}}, {}, 400),
        ("loans", {"weights": {"x": 1}}, {}, 400),
        ("loans", {"weights": {"1": 1}, "actor": "eve"}, {}, 400),
        ("loans", {"weights": {"1": 1}}, {"if-match": "soon"}, 400),
        ("loans", {"weights": {"1": 1}}, {"if-match": '"0"'}, 412),
    ],
)
def test_a_change_that_cannot_be_is_refused(
    guarded: tuple[Place, Live, dict[str, dict]], path: str, body: object, headers: dict[str, str], status: int
) -> None:
    _, server, held = guarded
    before = server.http.get("/v2/noria/routes/loans", headers=held["release"]).json()
    said = server.http.put(f"/v2/noria/routes/{path}", json=body, headers=held["admin"] | headers)
    assert (said.status_code, list(said.json())) == (status, ["error"])
    assert server.http.get("/v2/noria/routes/loans", headers=held["release"]).json() == before


def test_the_access_log_has_a_line_for_each_request_and_no_inputs(guarded: tuple[Place, Live, dict[str, dict]]) -> None:
    place, server, held = guarded
    file = place.settings.home.parent / "access.log"
    ids = [
        server.http.post(f"/v2/models/loans/{last}", json=body, headers=held["infer"]).headers["noria-prediction-id"]
        for last, body in (("infer", INFER), ("predict", {"rows": [ROW | {"job": "secret job"}] * 3}))
    ]
    server.http.post("/v2/models/loans/infer", json=INFER)
    until(lambda: all(id in file.read_text() for id in ids), "the log")
    found = {one.get("prediction"): one for one in map(json.loads, file.read_text().splitlines())}
    for id, rows, last in zip(ids, (1, 3), ("infer", "predict"), strict=True):
        one = found[id]
        assert (one["protocol"], one["method"], one["path"]) == ("rest", "POST", f"/v2/models/loans/{last}")
        assert (one["model"], one["status"], one["rows"], one["token"]) == ("loans", "200", rows, "infer")
        assert one["version"] in ("1", "2")
        assert one["ms"] > 0
        assert datetime.fromisoformat(one["time"]).tzinfo is not None
    assert "secret job" not in file.read_text()
    assert all(one not in file.read_text() for headers in held.values() for one in headers.values())


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of this machine's loopback address that nobody else signed, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    alternative = x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    files = folder / "cert.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


def test_rest_and_grpc_are_answered_by_tls_and_then_by_nothing_else(project: Place, folder: Path) -> None:
    cert, key = certificate(folder)
    with Live(folder, options=["--tls-cert", str(cert), "--tls-key", str(key)]) as server:
        assert server.url.startswith("https://")
        with httpx.Client(base_url=server.url, verify=ssl.create_default_context(cafile=str(cert))) as client:
            assert client.post("/v2/models/loans/infer", json=INFER).status_code == 200
        with Client(server.url, verify=str(cert)) as own:
            assert own.predict("loans", [ROW])[0].label in ("no", "yes")
        with pytest.raises(httpx.TransportError):
            httpx.get(server.url.replace("https", "http") + "/v2/health/live")
        trusted = grpc.ssl_channel_credentials(cert.read_bytes())
        live = "/inference.GRPCInferenceService/ServerLive"
        with grpc.secure_channel(server.grpc, trusted) as channel:
            assert message("inference.ServerLiveResponse").FromString(channel.unary_unary(live)(b"", timeout=60)).live
        with grpc.insecure_channel(server.grpc) as channel, pytest.raises(grpc.RpcError):
            channel.unary_unary(live)(b"", timeout=60)


def refused(folder: Path, *words: str) -> str:
    """The sentence with which the server does not start."""
    done = noria(folder, "serve", "--port", "0", *words)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


def test_what_it_cannot_be_started_with_is_one_sentence(project: Place, folder: Path) -> None:
    cert, key = map(str, certificate(folder))
    (folder / "other").mkdir()
    _, other = map(str, certificate(folder / "other"))
    (folder / "text.pem").write_text("no certificate")
    assert "TLS needs a certificate and its key" in refused(folder, "--tls-cert", cert)
    assert "there is no such file (none.pem)" in refused(folder, "--tls-cert", "none.pem", "--tls-key", key)
    assert "cannot be used" in refused(folder, "--tls-cert", "text.pem", "--tls-key", key)
    assert "key values mismatch" in refused(folder, "--tls-cert", cert, "--tls-key", other)
    assert "the access log cannot be opened" in refused(folder, "--access-log", "none/access.log")
    assert "is no size" in refused(folder, "--max-body", "much")


def test_beyond_this_machine_it_listens_only_where_a_token_holds_or_it_is_told_so(project: Place, folder: Path) -> None:
    assert "no token holds" in refused(folder, "--host", "0.0.0.0")
    headers = make(project, "shop", "infer")
    with Live(folder, options=["--host", "0.0.0.0"]) as server:
        assert server.http.post("/v2/models/loans/infer", json=INFER).status_code == 401
        assert server.http.post("/v2/models/loans/infer", json=INFER, headers=headers).status_code == 200
    with project.store.begin() as c:
        tokens.revoke(c, project.clock, "shop", actor="ann")
    assert "no token holds" in refused(folder, "--host", "::", "--no-grpc")
    with Live(folder, options=["--host", "0.0.0.0", "--insecure"]) as server:
        assert server.http.get("/v2/health/ready").status_code == 200


def test_limits_are_kept_before_and_after_a_body_is_read(project: Place, folder: Path) -> None:
    options = ["--max-body", "20kB", "--max-rows", "10", "--max-inputs", "8", "--max-seconds", "1"]
    with Live(folder, options=options) as server:
        post = server.http.post
        assert post("/v2/models/loans/predict", json={"rows": [ROW] * 10}).status_code == 200
        many = post("/v2/models/loans/predict", json={"rows": [ROW] * 11})
        assert (many.status_code, "at most 10" in many.json()["error"]) == (400, True)
        wide = post("/v2/models/loans/predict", json={"rows": [ROW | {str(n): n for n in range(9)}]})
        assert (wide.status_code, "at most 8" in wide.json()["error"]) == (400, True)
        for last in ("infer", "predict"):
            assert post(f"/v2/models/loans/{last}", content=b" " * 20_481).status_code == 413
            slow = sent(server, f"POST /v2/models/loans/{last}", b"Content-Length: 100\r\n", b"{")
            assert slow.startswith(b"HTTP/1.1 408"), slow
            assert slow.endswith(b'within 1 s"}')
        endless = sent(server, "POST /v2/models/loans/predict", b"Transfer-Encoding: chunked\r\n", b"1\r\n{\r\n")
        assert endless.startswith(b"HTTP/1.1 408"), endless
        head = sent(server, "GET /v2", b"", b"", whole=False)  # its header never ends
        assert not head.startswith(b"HTTP/1.1 2")
        with pytest.raises(grpc.RpcError) as refused_, grpc.insecure_channel(server.grpc) as channel:
            channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")(b" " * 20_481, timeout=60)
        assert refused_.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert server.predict().status_code == 200


def sent(server: Live, line: str, headers: bytes, body: bytes, *, whole: bool = True) -> bytes:
    """What the server says to a request that is not all there, until it hangs up."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as found:
        found.sendall(f"{line} HTTP/1.1\r\nHost: x\r\n".encode() + headers + (b"\r\n" if whole else b"") + body)
        parts = []
        while part := found.recv(4096):
            parts.append(part)
    return b"".join(parts)


def test_a_body_of_100_mb_is_refused_before_it_is_sent(server: Live) -> None:
    for line in ("POST /v2/models/loans/infer", "POST /v2/models/loans/predict", "POST /v2/feedback"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as found:
            found.sendall(f"{line} HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\n\r\n".encode())
            assert found.recv(4096).startswith(b"HTTP/1.1 413")


def test_callers_that_stop_half_way_do_not_pile_up(server: Live) -> None:
    worker = server.children("noria.cli.main")[0]

    def sockets() -> int:
        return sum("socket" in str(os.readlink(one)) for one in Path(f"/proc/{worker}/fd").iterdir())

    before = sockets()
    held = []
    for _ in range(200):
        one = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        one.sendall(b"POST /v2/models/loans/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{")
        one.shutdown(socket.SHUT_WR)
        held.append(one)
    assert server.predict().status_code == 200
    for one in held:
        one.close()
    until(lambda: sockets() <= before + 5, "half-closed connections to go")


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"inputs": ' + b'{"a": ' * 5_000 + b"1" + b"}" * 5_001])
def test_json_however_deep_is_refused_in_words(server: Live, body: bytes) -> None:
    for path in ("/v2/models/loans/infer", "/v2/models/loans/predict", "/invocations", "/v2/feedback"):
        said = server.http.post(path, content=body)
        assert (said.status_code, list(said.json())) == (400, ["error"])
