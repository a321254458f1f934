"""One row a request over REST: how many answers a second of processor time, how long one takes, what memory it holds.

Answers per processor second vary far less on a shared machine than answers per second; both are shown.
"""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from time import sleep

from benchmarks.measure import Line, Peer, Target
from benchmarks.processes import memory_mb, memory_of, same_program
from benchmarks.project import census, no_graph
from benchmarks.serving import load, servers
from benchmarks.serving.load import Answered, Wrk
from benchmarks.serving.servers import Server

TURNS = 3
WARM_S = 2
IDLE_S = 75.0  # until memory is measured
ALONE, SOME, MANY = 1, 8, 64
SECONDS = {ALONE: 4, SOME: 10, MANY: 5}  # of one load, by connections
BEST_PEER = Target(50.0, most=False, of_ratio=True)
SHARE = Target(0.8, most=False, of_ratio=True)
TAIL = Target(2.0, of_ratio=True)  # in ms it is the machine that is measured
SMALL = Target(150.0)


@dataclass(slots=True)
class Found:
    """What the turns found of one server, by connections; the memory of all its processes and of its one worker, idle
    again, in MB."""

    answers: dict[int, list[Answered]] = field(default_factory=lambda: {one: [] for one in SECONDS})
    all_mb: float = 0.0
    worker_mb: float = 0.0


def lines() -> list[Line]:
    with ExitStack() as stack:
        project = stack.enter_context(census())
        model = servers.model_of(project)
        own, other = servers.processors()
        wrk = load.wrk(project.folder, other)
        ours = stack.enter_context(servers.noria(project, own))
        answer = json.dumps(servers.ask(ours, model.body))
        start = [servers.plain(kind, project.folder, project.env, model, answer, own) for kind in ("model", "constant")]
        everyone = [ours, *map(stack.enter_context, start)]
        found = _turns(wrk, everyone, model.body)
    return [*_lines(*found), *_peers(found[0])]


def _turns(wrk: Wrk, everyone: list[Server], body: str) -> list[Found]:
    for server in everyone:
        wrk.load(server, body, connections=SOME, seconds=WARM_S)
    found = [Found() for _ in everyone]
    for _ in range(TURNS):
        for connections, seconds in SECONDS.items():
            for server, one in zip(everyone, found):
                said = wrk.load(server, body, connections=connections, seconds=seconds)
                one.answers[connections].append(said)
    sleep(IDLE_S)
    for server, one in zip(everyone, found):
        one.all_mb = memory_mb(server.session)
        one.worker_mb = memory_of(same_program(server.session))
    return found


def _lines(ours: Found, model: Found, constant: Found) -> list[Line]:
    server = f"granian {version('granian')}"
    names = {
        f"bare {server}, msgspec, ONNX Runtime (the limit)": model,
        f"bare {server}, a constant": constant,
    }

    def line(name: str, unit: str, samples: Callable[[Found], list[float]], target: Target | None = None) -> Line:
        return Line(name, unit, samples(ours), [Peer(said, samples(one)) for said, one in names.items()], target)

    return [
        *(
            line(f"infer, {count} connections", unit, lambda one, n=count, k=kind: _all(one, n, k), SHARE)
            for count in (MANY, SOME)
            for unit, kind in (("per CPU s", "per_cpu_s"), ("per s", "per_s"))
        ),
        line(f"p50, {SOME} connections", "ms", lambda one: _all(one, SOME, "p50_ms")),
        line(f"p99, {SOME} connections", "ms", lambda one: _all(one, SOME, "p99_ms"), TAIL),
        line(f"infer, {ALONE} connection", "per CPU s", lambda one: _all(one, ALONE, "per_cpu_s")),
        line(f"p50, {ALONE} connection", "ms", lambda one: _all(one, ALONE, "p50_ms")),
        line("idle memory, a worker (PSS)", "MB", lambda one: [one.worker_mb], SMALL),
        line("idle memory, all processes (PSS)", "MB", lambda one: [one.all_mb]),
    ]


def _all(found: Found, connections: int, kind: str) -> list[float]:
    return [getattr(answered, kind) for answered in found.answers[connections]]


def _peers(ours: Found) -> list[Line]:
    """Beside what most people serve this model with: the objects of scikit-learn, asked the same over REST."""
    with ExitStack() as stack:
        project = stack.enter_context(census(no_graph))
        model = servers.objects_of(project)
        own, other = servers.processors()
        wrk = load.wrk(project.folder, other)
        by_hand = stack.enter_context(servers.by_hand(project.folder, project.env, model, own))
        theirs = Found()
        for _ in range(TURNS):
            for connections in (MANY, SOME):
                said = wrk.load(by_hand, model.body, connections=connections, seconds=SECONDS[SOME])
                theirs.answers[connections].append(said)
    name = f"best peer: FastAPI {version('fastapi')} with joblib"
    return [
        Line(
            f"infer, {count} connections",
            unit,
            _all(ours, count, kind),
            [Peer(name, _all(theirs, count, kind))],
            BEST_PEER if count == MANY else None,
        )
        for count in (MANY, SOME)
        for unit, kind in (("per CPU s", "per_cpu_s"), ("per s", "per_s"))
    ]
