"""A model that is no graph, one row a request: noria's process with batches beside FastAPI by hand."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import version

from benchmarks.measure import Line, Peer, Target
from benchmarks.project import census, no_graph
from benchmarks.serving import load, servers
from benchmarks.serving.load import Answered, Wrk
from benchmarks.serving.servers import Server

TURNS = 3
WARM_S = 2
ALONE, MANY = 1, 64
SECONDS = 5
BY_BATCHES = Target(15.0, most=False, of_ratio=True)
NO_SLOWER = Target(1.0, of_ratio=True)


@dataclass(slots=True)
class Found:
    """What the turns found of one server, by connections."""

    answers: dict[int, list[Answered]] = field(default_factory=lambda: {ALONE: [], MANY: []})


def lines() -> list[Line]:
    with ExitStack() as stack:
        project = stack.enter_context(census(no_graph))
        model = servers.objects_of(project)
        own, other = servers.processors()
        wrk = load.wrk(project.folder, other)
        ours = stack.enter_context(servers.noria(project, own))
        peer = stack.enter_context(servers.by_hand(project.folder, project.env, model, own))
        found = _turns(wrk, [ours, peer], model.body)
    return _lines(*found)


def _turns(wrk: Wrk, everyone: list[Server], body: str) -> list[Found]:
    for server in everyone:
        wrk.load(server, body, connections=ALONE, seconds=WARM_S)
    found = [Found() for _ in everyone]
    for _ in range(TURNS):
        for connections in (ALONE, MANY):
            for server, one in zip(everyone, found):
                one.answers[connections].append(wrk.load(server, body, connections=connections, seconds=SECONDS))
    return found


def _lines(ours: Found, peer: Found) -> list[Line]:
    name = f"FastAPI {version('fastapi')} with joblib, by hand"

    def line(what: str, unit: str, connections: int, kind: str, target: Target | None) -> Line:
        mine, theirs = ([getattr(a, kind) for a in one.answers[connections]] for one in (ours, peer))
        return Line(f"{what}, {connections} connections", unit, mine, [Peer(name, theirs)], target)

    return [
        line("Python model", "per s", MANY, "per_s", BY_BATCHES),
        line("Python model", "per CPU s", MANY, "per_cpu_s", BY_BATCHES),
        line("Python model, p99", "ms", MANY, "p99_ms", None),
        line("Python model, p50", "ms", ALONE, "p50_ms", NO_SLOWER),
    ]
