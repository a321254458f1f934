"""The demo's lifecycle on two Celery workers, from the event of its dataset to a model that answers."""

import contextlib
import os
import time

import httpx

from benchmarks.airflow.stacks import Running, running
from benchmarks.measure import Line, Target
from noria.cli.main import main
from noria.demo import waves
from noria.demo.server import Server
from noria.demo.story import LIFECYCLE

TARGET_S, NAME = 60.0, "income"


def lines() -> list[Line]:
    with running("redis", "--workers", "2", "--slots", "2") as stack:
        (stack.project / "lifecycle.py").write_text(LIFECYCLE.read_text())
        (stack.project / "inbox").mkdir()
        people = waves.people()
        waves.first(people).write_parquet(stack.project / "inbox" / "wave-1.parquet")
        words = ["--dags-folder", str(stack.home / "airflow" / "dags"), "--executor", "celery", "--sweep", "never"]
        with contextlib.chdir(stack.project):
            main(["airflow", "export", "lifecycle.py", *words])
        stack.api.unpause(NAME)
        row = {name: value for name, value in waves.live(people).row(0, named=True).items() if name != "income"}
        began = time.perf_counter()
        stack.must_succeed(NAME, stack.begin(NAME))
        turned = time.perf_counter() - began
        _answer(stack, row)
        served = time.perf_counter() - began
    return [
        Line("the demo's lifecycle, event to deployed", samples=[turned]),
        Line("the demo's lifecycle, event to a served answer", samples=[served], target=Target(TARGET_S)),
    ]


def _answer(stack: Running, row: dict[str, object]) -> None:
    before = os.environ.get("NORIA_DB")
    server = Server(stack.project)
    try:
        httpx.post(f"{server.url}/v2/models/{NAME}/predict", json={"rows": [row]}).raise_for_status()
    finally:
        server.stop()
        assert os.environ.get("NORIA_DB") == before
