"""Models in processes of their own: rows that wait together run together, and whoever dies takes nobody along."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from noria.digest import Digest
from noria.errors import BadInput, Failure, NoriaError, StoreUnavailable
from noria.model.package import Package
from noria.model.signature import Field, Signature
from noria.model.sklearn import dump
from noria.serve import apart, batch
from noria.serve.apart import Apart, Died
from noria.serve.batch import Batcher

pytestmark = pytest.mark.anyio
SIGNATURE = Signature((Field("age", "number"), Field("job", "category")), ("no", "yes"), "approved", "yes")
DIES, HANGS, REFUSES, FAILS = -1.0, -2.0, -3.0, -4.0  # ages that the moody model has no answer to


def packed(estimator: Any) -> tuple[bytes, Digest]:
    class Ages(BaseEstimator):  # in a function: pickled with its code, since the process knows no test
        def transform(self, frame: Any) -> Any:
            return frame[["age"]]

    files = dump({"preprocessor": Ages(), "model": estimator})
    data = Package("sklearn", SIGNATURE, files).to_bytes()
    return data, Digest.of(data)


def moody() -> Any:
    """Answers age / 100, or as its mood is."""

    class Moody(ClassifierMixin, BaseEstimator):
        classes_ = np.array([0, 1])

        def predict_proba(self, ages: Any) -> Any:
            import os
            import time

            if (ages < -3.5).any():
                raise LookupError("it has no idea")
            if (ages < -2.5).any():
                raise ValueError("nobody is that young\nand more")
            if (ages < -1.5).any():
                time.sleep(60)
            if (ages < -0.5).any():
                os._exit(7)
            return np.column_stack([1 - ages / 100, ages / 100])

    return Moody()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def model() -> Iterator[Apart]:
    made = Apart(*packed(moody()), "loans@3")
    yield made
    made.close()


def rows(*ages: float) -> dict[str, list[Any]]:
    return {"age": list(ages), "job": ["clerk"] * len(ages)}


def gone(pid: int | None) -> bool:
    return not Path(f"/proc/{pid}").exists()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.01)


async def test_it_answers_from_another_process_which_ends_with_it(model: Apart) -> None:
    found = await model.scores(rows(40, 70))
    assert found.tolist() == pytest.approx(np.array([[0.6, 0.4], [0.3, 0.7]]))
    pid = model.pid
    assert pid not in (None, os.getpid())
    model.close()
    await until(lambda: gone(pid))


async def test_bytes_that_are_not_what_their_digest_says_are_not_loaded() -> None:
    data, _ = packed(moody())
    with pytest.raises(Failure, match="is not what its digest"):
        await asyncio.to_thread(Apart(data, Digest.of(b"other"), "loans@3").start)


@pytest.mark.parametrize(
    ("age", "kind", "said"),
    [(REFUSES, BadInput, "nobody is that young"), (FAILS, Failure, "LookupError: it has no idea")],
)
async def test_what_the_model_raises_is_a_sentence_and_the_process_lives(
    model: Apart, age: float, kind: type[NoriaError], said: str
) -> None:
    await model.scores(rows(40))
    pid = model.pid
    with pytest.raises(kind) as caught:
        await model.scores(rows(age))
    assert said in caught.value.what
    assert "\n" not in caught.value.what
    assert (await model.scores(rows(50)))[0, 1] == pytest.approx(0.5)
    assert model.pid == pid


async def test_a_process_that_dies_is_followed_by_another(model: Apart) -> None:
    await model.scores(rows(40))
    first = model.pid
    with pytest.raises(Died, match="7"):
        await model.scores(rows(DIES))
    assert (await model.scores(rows(50)))[0, 1] == pytest.approx(0.5)
    assert model.pid != first


async def test_a_process_that_hangs_is_ended(model: Apart, monkeypatch: pytest.MonkeyPatch) -> None:
    await model.scores(rows(40))
    hung = model.pid
    monkeypatch.setattr(apart, "ANSWER_S", 0.3)
    monkeypatch.setattr(apart, "END_S", 0.1)
    with pytest.raises(Died, match="too long"):
        await model.scores(rows(HANGS))
    await until(lambda: gone(hung))
    monkeypatch.setattr(apart, "ANSWER_S", 30)
    assert (await model.scores(rows(50)))[0, 1] == pytest.approx(0.5)


async def test_one_that_is_killed_costs_no_answer(model: Apart) -> None:
    batcher = Batcher("loans@3", model.scores)
    await batcher.predict(rows(40), 1)
    os.kill(int(model.pid or 0), signal.SIGKILL)
    assert (await batcher.predict(rows(50), 1))[0, 1] == pytest.approx(0.5)


async def test_among_many_only_the_rows_at_fault_fail(model: Apart) -> None:
    batcher = Batcher("loans@3", model.scores)
    ages = [10.0, REFUSES, 30.0, DIES, 50.0, FAILS, 70.0]
    found = await asyncio.gather(*(batcher.predict(rows(age), 1) for age in ages), return_exceptions=True)
    for age, one in zip(ages, found, strict=True):
        if age > 0:
            assert not isinstance(one, BaseException)
            assert one[0, 1] == pytest.approx(age / 100)
    kinds = [type(one) for one in found if isinstance(one, BaseException)]
    assert kinds == [BadInput, StoreUnavailable, Failure]


@asynccontextmanager
async def held() -> AsyncIterator[tuple[Batcher, asyncio.Event, list[list[Any]]]]:
    """A batcher whose model answers when the event is set; and the ages of each batch it got."""
    free, seen = asyncio.Event(), list[list[Any]]()

    async def run(columns: batch.Columns) -> batch.Scores:
        seen.append(columns["age"])
        await free.wait()
        return np.array([[age] for age in columns["age"]], dtype=np.float32)

    yield Batcher("loans@3", run), free, seen


async def test_the_first_goes_at_once_and_those_that_wait_go_together() -> None:
    async with held() as (batcher, free, seen):
        first = asyncio.create_task(batcher.predict(rows(1), 1))
        await until(lambda: seen == [[1]])
        others = [asyncio.create_task(batcher.predict(rows(n, n), 2)) for n in range(2, 6)]
        await asyncio.sleep(0)
        free.set()
        assert (await first).tolist() == [[1]]
        assert [(await one).tolist() for one in others] == [[[n], [n]] for n in range(2, 6)]
        assert seen == [[1], [2, 2, 3, 3, 4, 4, 5, 5]]


async def test_a_batch_has_its_bound_and_what_is_larger_goes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MOST_ROWS", 4)
    async with held() as (batcher, free, seen):
        sizes = [1, 3, 2, 9, 1]
        tasks = [asyncio.create_task(batcher.predict(rows(*[float(n)] * n), n)) for n in sizes]
        free.set()
        assert [len(await one) for one in tasks] == sizes
        assert [len(one) for one in seen] == [4, 2, 9, 1]


async def test_who_goes_away_is_not_answered_and_takes_nobody_along() -> None:
    async with held() as (batcher, free, seen):
        tasks = [asyncio.create_task(batcher.predict(rows(n), 1)) for n in range(4)]
        await until(lambda: seen == [[0, 1, 2, 3]])
        late = [asyncio.create_task(batcher.predict(rows(n), 1)) for n in (8, 9)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        late[0].cancel()
        free.set()
        found = await asyncio.gather(*tasks, *late, return_exceptions=True)
        assert [None if isinstance(one, BaseException) else one[0, 0] for one in found] == [0, None, 2, 3, None, 9]
        assert seen[1:] == [[9]]


async def test_more_than_may_wait_is_refused_and_what_waits_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MOST_WAITING", 3)
    async with held() as (batcher, free, seen):
        tasks: list[Awaitable[Any]] = [asyncio.create_task(batcher.predict(rows(0), 1))]
        await until(lambda: seen == [[0]])
        tasks += [asyncio.create_task(batcher.predict(rows(n), 1)) for n in range(1, 6)]
        await asyncio.sleep(0)
        free.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(one, StoreUnavailable) for one in found] == [False] * 4 + [True] * 2
