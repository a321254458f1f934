"""Workers are forked from one process that has no threads, and use threads of their own."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from noria.train.workers import Workers

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads and memory are read from /proc"),
]
MODULES = ["lightgbm", "sklearn.linear_model"]


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers[str]]:
    with Workers[str](2) as made:
        yield made


def one(workers: Workers[str]) -> Any:
    [(_, outcome)] = workers.done()
    assert outcome is not None
    if outcome.error is not None:
        raise outcome.error
    return outcome.value


def called(workers: Workers[str], function: Any, *arguments: Any) -> Any:
    workers.call("it", function, *arguments)
    return one(workers)


def ancestry() -> tuple[int, int, list[str], int]:
    import sys

    template = os.getppid()
    threads = len(list(Path(f"/proc/{template}/task").iterdir()))
    return os.getpid(), template, [name for name in MODULES if name in sys.modules], threads


def test_a_worker_has_the_libraries_of_a_template_without_threads(workers: Workers[str]) -> None:
    pid, template, loaded, threads = called(workers, ancestry)
    assert pid != template != os.getpid()
    assert loaded == MODULES
    assert threads == 1


def kilobytes(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def private_kb() -> tuple[int, int]:
    return kilobytes(os.getpid(), "Private_Dirty"), kilobytes(os.getpid(), "Rss")


def test_a_worker_shares_the_memory_of_its_libraries(workers: Workers[str]) -> None:
    for name in ("one", "two"):
        workers.call(name, private_kb)
    found = []
    while workers.busy:
        found += [outcome.value for _, outcome in workers.done() if outcome is not None]
    for own, resident in found:
        assert own < resident / 3


def learn(kind: str) -> list[float]:
    """Fit with threads, in a process that was forked."""
    random = np.random.default_rng(0)
    X = random.normal(0, 1, (3000, 12)).astype(np.float32)
    y = (X[:, 0] > 0).astype(np.int64)
    if kind == "torch":
        import torch

        torch.manual_seed(0)
        torch.set_num_threads(2)
        layer = torch.nn.Linear(12, 1500)
        [gradient] = torch.autograd.grad(layer(torch.from_numpy(X)).square().mean(), [layer.weight])
        return [float(gradient.norm())]
    from lightgbm import LGBMClassifier
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    made: Any = {
        "lightgbm": LGBMClassifier(n_estimators=5, n_jobs=2, verbose=-1),
        "openmp": HistGradientBoostingClassifier(max_iter=5),
        "blas": LogisticRegression(),
    }[kind]
    return [float(one) for one in made.fit(X, y).predict_proba(X[:5])[:, 1]]


@pytest.mark.parametrize("kind", ["lightgbm", "openmp", "blas", "torch"])
def test_libraries_with_threads_learn_the_same_in_a_forked_worker(workers: Workers[str], kind: str) -> None:
    for name in ("one", "two"):
        workers.call(name, learn, kind)
    found = []
    while workers.busy:
        found += [outcome.value for _, outcome in workers.done() if outcome is not None]
    assert found == [pytest.approx(learn(kind), rel=1e-4)] * 2


def drawn() -> float:
    return float(np.random.random())


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail() -> None:
    raise LookupError("no such thing")


def test_a_worker_that_is_killed_is_replaced_and_an_error_comes_back(workers: Workers[str]) -> None:
    workers.call("doomed", die)
    assert workers.done() == [("doomed", None)]
    with pytest.raises(LookupError, match="no such thing"):
        called(workers, fail)
    assert called(workers, drawn) != called(workers, drawn)


def test_all_end_with_who_started_them_and_a_killed_template_is_replaced() -> None:
    with Workers[str](1) as made:
        _, template, _, _ = called(made, ancestry)
        os.kill(template, signal.SIGKILL)
        called(made, os.getpid)  # this one lives on without its template
        made.call("doomed", die)
        made.done()
        made._template.wait()
        last = called(made, os.getpid)
        assert Path(f"/proc/{last}").exists()
    assert not Path(f"/proc/{last}").exists()
