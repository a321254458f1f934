"""The Python client: rows in, answers out, and one sentence for whatever goes wrong."""

import asyncio
import datetime
import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import polars as pl
import pytest

from conftest import free_port
from noria.client import Answer, AsyncClient, Client
from noria.data import captured
from noria.errors import BadInput, Failure, Forbidden, NotFound, StoreUnavailable, Unauthenticated
from noria.run.place import Place
from serve.live import ROW, Live, until


@pytest.fixture
def client(server: Live) -> Iterator[Client]:
    with Client(server.url) as found:
        yield found


@pytest.mark.system
def test_each_row_gets_an_answer_that_tells_who_gave_it(client: Client) -> None:
    assert client.ready()
    answers = client.predict("loans", [ROW, {**ROW, "age": 80, "amount": 1}], version=2)
    assert [(one.model, one.version) for one in answers] == [("loans", 2)] * 2
    assert len({one.id for one in answers}) == 2
    for one in answers:
        assert one.value is None
        assert one.probabilities is not None
        assert sum(one.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert one.label == max(one.probabilities, key=lambda label: one.probabilities[label])
    assert len({client.predict("loans", [ROW], subject="ann")[0].version for _ in range(10)}) == 1


@pytest.mark.system
def test_values_of_data_frames_may_be_sent_as_they_are(client: Client) -> None:
    sent = {"age": np.float32(40), "amount": np.float64(50.5), "job": np.str_("clerk"), "sex": None}
    more = {"noted": datetime.date(2026, 1, 1), "seen": np.bool_(True), "gone": float("nan"), "count": np.int64(3)}
    plain = {"age": 40, "amount": 50.5, "job": "clerk", "sex": None}
    mine, theirs = (client.predict("loans", [row], version=1)[0] for row in (sent | more, plain))
    assert mine.probabilities == theirs.probabilities
    frame = pl.DataFrame([sent | more])
    assert client.predict("loans", frame.to_dicts(), version=1)[0].probabilities == theirs.probabilities


@pytest.mark.system
def test_feedback_reaches_the_tables_with_the_prediction_that_it_is_about(shared: Place, client: Client) -> None:
    answer = client.predict("loans", [ROW], subject="ann")[0]
    client.feedback(answer.id, label=np.str_("yes"), source="test")
    client.feedback(answer.id, rating=0.5)

    def joined() -> list[dict[str, Any]]:
        return captured.joined(shared.settings, "loans").filter(pl.col("id") == answer.id).to_dicts()

    until(lambda: [row["rating"] for row in joined()] == [0.5], "the feedback to be carried into the tables")
    (row,) = joined()
    assert (row["label"], row["version"], row["release"]) == ("yes", answer.version, answer.release)


@pytest.mark.system
def test_mistakes_come_back_as_errors_that_repeat_what_the_server_says(client: Client) -> None:
    id = client.predict("loans", [ROW])[0].id
    wrong: list[tuple[type[Exception], str, Callable[[], Any]]] = [
        (NotFound, "no model cats", lambda: client.predict("cats", [ROW])),
        (NotFound, "nothing at", lambda: client.predict("a/b", [ROW])),
        (NotFound, "no model ä?#", lambda: client.predict("ä?#", [ROW])),
        (NotFound, "no version 9", lambda: client.predict("loans", [ROW], version=9)),
        (BadInput, "no rows", lambda: client.predict("loans", [])),
        (BadInput, "'age' is missing", lambda: client.predict("loans", [{"sex": "f"}])),
        (BadInput, "cannot be sent", lambda: client.predict("loans", [{**ROW, "age": object()}])),
        (BadInput, "cannot be sent", lambda: client.predict("loans", [{**ROW, "age": np.zeros(2)}])),
        (BadInput, "cannot be sent", lambda: client.predict("loans", [{**ROW, "job": "\ud800"}])),
        (BadInput, "says nothing", lambda: client.feedback(id)),
        (NotFound, "no prediction mine", lambda: client.feedback("mine", label="yes")),
    ]
    for kind, said, call in wrong:
        with pytest.raises(kind, match=said.replace("?", r"\?")) as caught:
            call()
        assert "\n" not in str(caught.value)


@pytest.mark.system
def test_the_client_for_asyncio_does_the_same_at_once(server: Live) -> None:
    async def work() -> list[list[Answer]]:
        async with AsyncClient(server.url) as client:
            assert await client.ready()
            answers = await asyncio.gather(*(client.predict("loans", [ROW], version=1) for _ in range(20)))
            await asyncio.gather(*(client.feedback(some[0].id, label="yes") for some in answers))
            with pytest.raises(NotFound, match="no model cats"):
                await client.predict("cats", [ROW])
            with pytest.raises(BadInput, match="says nothing"):
                await client.feedback(answers[0][0].id)
            return answers

    answers = asyncio.run(work())
    assert len({some[0].id for some in answers}) == 20
    with Client(server.url) as client:
        assert client.predict("loans", [ROW], version=1)[0].probabilities == answers[0][0].probabilities


@contextmanager
def stranger(status: int, body: bytes) -> Iterator[str]:
    """A server that is not ours and says always the same; its address."""

    class Says(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Says) as found:
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{found.server_port}"
        finally:
            found.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, b"<html>", "no noria server"),
        (200, b"[]", "no noria server"),
        (200, b'{"predictions": [{}]}', "no noria server"),
        (500, b"", "answered 500"),
        (502, b"<html>bad gateway</html>", "bad gateway"),
        (503, b'{"error": "the disk is full"}', "the disk is full"),
        (302, b"", "answered 302"),
    ],
)
def test_a_server_that_fails_or_is_none_of_ours_is_a_failure_that_says_so(status: int, body: bytes, said: str) -> None:
    async def ask(url: str) -> None:
        async with AsyncClient(url) as client:
            await client.predict("loans", [ROW])

    with stranger(status, body) as url:
        with Client(url) as client, pytest.raises(Failure, match=said):
            client.predict("loans", [ROW])
        with pytest.raises(Failure, match=said):
            asyncio.run(ask(url))


class Moody(http.server.ThreadingHTTPServer):
    """Says each status once, then 200 for ever; ``brought`` holds what the requests brought."""

    def __init__(self, *says: int) -> None:
        self.says = list(says)
        self.brought: list[tuple[str | None, bytes]] = []
        super().__init__(("127.0.0.1", 0), Answers)


class Answers(http.server.BaseHTTPRequestHandler):
    server: Moody

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["content-length"]))
        self.server.brought.append((self.headers["authorization"], sent))
        status = self.server.says.pop(0) if self.server.says else 200
        if status == 0:  # hang up
            return
        body = b'{"accepted": 1}' if status == 200 else b'{"error": "not now"}'
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def moody(monkeypatch: pytest.MonkeyPatch, *says: int) -> Iterator[tuple[Moody, str]]:
    monkeypatch.setattr("noria.client.PAUSE_S", 0.0)
    with Moody(*says) as found:
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield found, f"http://127.0.0.1:{found.server_port}"
        finally:
            found.shutdown()
            thread.join()


def tell(kind: str, url: str, **options: Any) -> None:
    async def later() -> None:
        async with AsyncClient(url, **options) as client:
            await client.feedback("x", label="yes")

    if kind == "asynchronous":
        asyncio.run(later())
        return
    with Client(url, **options) as client:
        client.feedback("x", label="yes")


@pytest.mark.parametrize("kind", ["synchronous", "asynchronous"])
def test_a_request_is_sent_again_as_it_was_while_the_server_is_away(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    with moody(monkeypatch, 503, 0) as (found, url):
        tell(kind, url, token="noria_a_b")
    assert len(found.brought) == 3
    assert len(set(found.brought)) == 1
    assert found.brought[0][0] == "Bearer noria_a_b"


@pytest.mark.parametrize("kind", ["synchronous", "asynchronous"])
@pytest.mark.parametrize(
    ("says", "error", "times"),
    [([503] * 9, StoreUnavailable, 3), ([0] * 9, Failure, 3), ([401] * 9, Unauthenticated, 1),
     ([403] * 9, Forbidden, 1), ([400] * 9, BadInput, 1), ([500] * 9, Failure, 1)],
)  # fmt: skip
def test_what_another_try_cannot_mend_is_said_and_no_try_is_made_too_often(
    monkeypatch: pytest.MonkeyPatch, kind: str, says: list[int], error: type[Exception], times: int
) -> None:
    with moody(monkeypatch, *says) as (found, url), pytest.raises(error):
        tell(kind, url)
    assert len(found.brought) == times


def test_a_file_of_certificates_that_cannot_be_read_is_the_users_mistake() -> None:
    with pytest.raises(BadInput, match="no certificates"):
        Client("https://127.0.0.1", verify="none.pem")


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "http://no-such-host.invalid", "no url", "http://["])
def test_a_server_that_cannot_be_reached_is_a_failure_that_says_where(url: str) -> None:
    place = url.format(port=free_port())
    with Client(place) as client:
        assert not client.ready()
        with pytest.raises(Failure, match="does not answer"):
            client.predict("loans", [ROW])
        with pytest.raises(Failure, match="does not answer"):
            client.feedback("x", label="yes")

    async def ready() -> bool:
        async with AsyncClient(place) as waited:
            return await waited.ready()

    assert not asyncio.run(ready())
