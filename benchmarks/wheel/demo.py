"""noria demo: the whole story in a home where nothing ever ran, and the most memory that it takes."""

from time import perf_counter

from benchmarks.measure import Line, Target, Trouble
from benchmarks.processes import NORIA, Peak, running, said
from benchmarks.project import workplace

TARGET_S, TARGET_MB = 90.0, 1500.0


def lines() -> list[Line]:
    with workplace("demo") as (folder, env):
        log = folder.with_name("demo.log")
        began = perf_counter()
        with running([NORIA, "demo"], folder, env, log) as process, Peak(process.pid) as peak:
            code = process.wait()
            took = perf_counter() - began
        if code:
            raise Trouble(said("noria demo", code, log.read_text(errors="replace")))
    return [
        Line("noria demo", samples=[took], target=Target(TARGET_S)),
        Line("noria demo, most memory (PSS)", "MB", [peak.mb], target=Target(TARGET_MB)),
    ]
