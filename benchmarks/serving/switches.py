"""Versions that are switched under load: what fails, what is dropped, and how long answers take meanwhile."""

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import quantiles
from time import perf_counter, sleep

import httpx

from benchmarks.measure import Line, Peer, Target, Trouble
from benchmarks.project import NAME, Project, census
from benchmarks.serving import servers
from benchmarks.serving.caller import Reply, call, post
from benchmarks.serving.servers import Server, until

SWITCHES = 200
CALLERS = 8
STEADY_S = 10.0
AFTER_S = 0.05  # that still belongs to a switch, when the first answer came from the new version
NONE = Target(0.0)
TAIL = Target(3.0, of_ratio=True)


@dataclass(slots=True)
class Load:
    """Callers that ask without a pause until ``ended``; ``replies`` is what they got."""

    replies: list[Reply] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def requests(self, one: bytes) -> Iterator[bytes]:
        while not self.ended.is_set():
            yield one


def lines() -> list[Line]:
    with ExitStack() as stack:
        project = stack.enter_context(census())
        _second_version(project)
        own, other = servers.processors()
        server = stack.enter_context(servers.noria(project, own))
        if other is not None:
            before = os.sched_getaffinity(0)
            os.sched_setaffinity(0, {other})
            stack.callback(os.sched_setaffinity, 0, before)
        load, spans = _switched(server, servers.model_of(project).body)
        dropped = len(load.replies) - _captured(server)
    failed = [one for one in load.replies if one.status != 200]
    during, steady = _apart(load.replies, spans)
    if len(during) < SWITCHES:
        raise Trouble(f"only {len(during)} requests fell into switches")
    return [
        Line(f"failed in {SWITCHES} switches under load", "requests", [float(len(failed))], target=NONE),
        Line("answered and not captured", "requests", [float(dropped)], target=NONE),
        Line(
            f"p99 while a version is switched, {CALLERS} connections", "ms", [_p99(during)],
            [Peer("the same, no switch", [_p99(steady)])], TAIL,
        ),
        Line("a switch, until the new version answers", "ms", [1000 * (end - AFTER_S - begin) for begin, end in spans]),
    ]  # fmt: skip


def _second_version(project: Project) -> None:
    """Another version, released whatever it is worth."""
    text = project.file.read_text()
    gates = text[text.index("    release=nr.Release(") : text.index("    serve=nr.Serve")]
    project.file.write_text(text.replace(gates, "").replace("max_iter=300", "max_iter=299"))
    sleep(1.5)
    project.run()


def _switched(server: Server, body: str) -> tuple[Load, list[tuple[float, float]]]:
    """The load, and when each switch began and ended."""
    load, spans = Load(), []
    port = int(server.url.split(":")[2].split("/")[0])
    request = post(f"/v2/models/{NAME}/infer", body.encode())
    thread = threading.Thread(target=call, args=(port, CALLERS, load.requests(request), load.replies.append))
    base = server.url.partition("/v2/")[0]
    with httpx.Client(base_url=base, timeout=30) as http:
        thread.start()
        try:
            sleep(STEADY_S)
            for number in range(SWITCHES):
                wanted = str(1 + number % 2)
                began = perf_counter()
                said = http.put(f"/v2/noria/routes/{NAME}", json={"weights": {wanted: 100}})
                if said.status_code != 200:
                    raise Trouble(f"a switch is refused: {said.text[:80]}")
                new = b"noria-model-version: " + wanted.encode()
                until(
                    lambda new=new: load.replies and new in load.replies[-1].head.lower(),
                    "the new version does not answer",
                )
                spans.append((began, perf_counter() + AFTER_S))
                sleep(2 * AFTER_S)
        finally:
            load.ended.set()
            thread.join()
    return load, spans


def _captured(server: Server) -> int:
    """How many predictions it says it captured."""
    base = server.url.partition("/v2/")[0]
    text = httpx.get(f"{base}/metrics", timeout=30).text
    return int(sum(float(one.split()[-1]) for one in text.splitlines() if one.startswith("noria_captured_total")))


def _apart(replies: list[Reply], spans: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Milliseconds of the requests that fell into a switch, and of those before all of them."""
    during, place = [], 0
    for one in sorted(replies, key=lambda reply: reply.began):
        while place < len(spans) and spans[place][1] < one.began:
            place += 1
        if place < len(spans) and spans[place][0] <= one.ended:
            during.append(1000 * (one.ended - one.began))
    first = spans[0][0]
    warm = replies[0].ended + 1
    steady = [1000 * (one.ended - one.began) for one in replies if one.began > warm and one.ended < first]
    return during, steady


def _p99(values: list[float]) -> float:
    return quantiles(values, n=100)[98]
