"""Feedback that is on the disk when it is acknowledged: how much a second, and what is lost when workers are killed."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from time import perf_counter, sleep

from benchmarks.measure import Line, Target, Trouble
from benchmarks.processes import cpu_seconds, same_program
from benchmarks.project import NAME, Project, census
from benchmarks.serving import servers
from benchmarks.serving.caller import Reply, call, post
from benchmarks.serving.servers import Server

CALLERS = 256  # that wait for the same writes to the disk
WARM, COUNT = 5_000, 40_000
MANY, KILLS = 200_000, 5
PAUSE_S = 0.002  # until it is looked again how many were acknowledged
FAST = Target(5_000.0, most=False)
NONE = Target(0.0)


def lines() -> list[Line]:
    with ExitStack() as stack:
        project = stack.enter_context(census())
        own, other = servers.processors()
        server = stack.enter_context(servers.noria(project, own))
        if other is not None:
            before = os.sched_getaffinity(0)
            os.sched_setaffinity(0, {other})
            stack.callback(os.sched_setaffinity, 0, before)
        id = servers.ask(server, servers.model_of(project).body)["parameters"]["prediction_id"]
        _tell(server, id, "warm", WARM)
        began, before = perf_counter(), cpu_seconds(server.session)
        _tell(server, id, "timed", COUNT)
        per_s = COUNT / (perf_counter() - began)
        per_cpu_s = COUNT / (cpu_seconds(server.session) - before)
        acknowledged = _killed(server, id)
        server.settle()
        found = _kept(project)
    lost = [one for one in acknowledged if not found[one]]
    return [
        Line(f"feedback acknowledged, on the disk, {CALLERS} callers", "per s", [per_s], target=FAST),
        Line("feedback acknowledged, tables written meanwhile", "per CPU s", [per_cpu_s], target=FAST),
        Line(f"lost of {MANY:,} acknowledged, {KILLS} kills -9", "feedbacks", [float(len(lost))], target=NONE),
    ]


def _feedback(id: str, source: str, count: int) -> Iterator[bytes]:
    for number in range(count):
        told = {"prediction_id": id, "label": "<=50K", "source": f"{source} {number}"}
        yield post("/v2/feedback", json.dumps(told).encode())


def _port(server: Server) -> int:
    return int(server.url.split(":")[2].split("/")[0])


def _tell(server: Server, id: str, source: str, count: int) -> None:
    refused: list[Reply] = []
    call(
        _port(server), CALLERS, _feedback(id, source, count),
        lambda one: None if one.status == 200 else refused.append(one),
    )  # fmt: skip
    if refused:
        raise Trouble(f"{len(refused)} were refused: {refused[0].status} {refused[0].body[:60]!r}")


def _killed(server: Server, id: str) -> list[str]:
    """The sources of all that was acknowledged while the worker was killed again and again."""
    acknowledged: list[str] = []

    def note(reply: Reply) -> None:
        if reply.status == 200:
            acknowledged.append(f"killed {reply.number}")

    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(call, _port(server), CALLERS, _feedback(id, "killed", MANY), note)
        for kill in range(KILLS):
            goal = MANY * (kill + 1) // (KILLS + 1)
            while len(acknowledged) < goal and not work.done():  # it ends by itself when nothing is answered
                sleep(PAUSE_S)
            for pid in same_program(server.session):
                os.kill(pid, signal.SIGKILL)
        work.result()
    if len(acknowledged) < MANY:
        raise Trouble(f"{MANY - len(acknowledged)} of {MANY} were refused")
    return acknowledged


def _kept(project: Project) -> Counter[str]:
    from noria import settings
    from noria.data import captured, table

    found = settings.load(project.folder, environ={})
    return Counter(table.whole(captured.path(found, NAME, "feedback")).collect()["source"].to_list())
