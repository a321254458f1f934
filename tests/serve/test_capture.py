"""The spool: what was acknowledged is in its files, whatever happens to the process and to the disk."""

import asyncio
import errno
import os
import resource
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from noria.errors import StoreUnavailable
from noria.serve import segment
from noria.serve.capture import Spool
from noria.serve.segment import Predicted, Told, Version


def told(number: int, source: str = "test") -> Told:
    return Told("loans", f"p{number}", 0.0, "yes", None, source)


async def predict(spool: Spool, version: int, id: str) -> None:
    key = spool.key("loans", version, f"r{version}", ("no", "yes"), None)
    spool.note(Predicted(key, id, 0.0, "champion", None, 1, {"age": [version]}, b"12345678"))


def records(folder: Path) -> list[segment.Record]:
    """All that is in a spool's files, complete or not, in the order of the files' making."""
    files = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    found = [segment.read(path) for path in files]
    assert all(lost == 0 for _, lost in found)
    return [record for some, _ in found for record in some]


def feedback(folder: Path) -> Counter[str]:
    return Counter(one.prediction for one in records(folder) if isinstance(one, Told))


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def within_a_minute() -> None:
        await asyncio.wait_for(work(), 60)

    asyncio.run(within_a_minute())


def test_what_was_taken_is_in_the_file_when_the_call_returns(tmp_path: Path) -> None:
    async def work() -> None:
        spool = Spool(tmp_path)
        await spool.keep(told(1))
        assert feedback(tmp_path) == {"p1": 1}
        await spool.keep(told(2), told(3))
        assert feedback(tmp_path) == {"p1": 1, "p2": 1, "p3": 1}
        await predict(spool, 7, "a")
        version, predicted = records(tmp_path)[-2:]
        assert isinstance(version, Version)
        assert isinstance(predicted, Predicted)
        assert (version.number, version.key, predicted.id) == (7, predicted.key, "a")

    run(work)


def test_feedback_of_many_callers_is_taken_once_each_while_the_spool_rotates(tmp_path: Path) -> None:
    async def work() -> None:
        spool = Spool(tmp_path)

        async def caller(number: int) -> None:
            for turn in range(20):
                await spool.keep(told(100 * number + turn))

        async def rotating(callers: asyncio.Future[list[None]]) -> None:
            while not callers.done():
                await spool.rotate()
                await asyncio.sleep(0)

        callers = asyncio.gather(*map(caller, range(30)))
        await asyncio.gather(callers, rotating(callers))
        assert feedback(tmp_path) == {f"p{100 * number + turn}": 1 for number in range(30) for turn in range(20)}

    run(work)


def test_no_prediction_is_lost_or_given_to_another_version_while_the_spool_rotates(tmp_path: Path) -> None:
    sent: list[str] = []

    async def work() -> None:
        spool = Spool(tmp_path)
        rotating = True

        async def caller(version: int) -> None:
            while rotating:
                sent.append(f"{version}.{len(sent)}")
                await predict(spool, version, sent[-1])
                await asyncio.sleep(0)

        callers = asyncio.gather(*map(caller, range(1, 9)))
        for _ in range(30):
            await spool.rotate()
            await asyncio.sleep(0)
        rotating = False
        await callers
        await spool.rotate()
        assert not list(tmp_path.glob("*.open"))

    run(work)
    found = Counter()
    for path in tmp_path.glob("*.seg"):
        versions = {}
        for record in segment.read(path)[0]:
            if isinstance(record, Version):
                versions[record.key] = record.number
            else:
                assert isinstance(record, Predicted)
                assert versions[record.key] == int(record.id.partition(".")[0]) == record.columns["age"][0]
                found[record.id] += 1
    assert found == dict.fromkeys(sent, 1)


def test_a_caller_that_goes_away_takes_nobody_elses_feedback_along(tmp_path: Path) -> None:
    async def work() -> None:
        spool = Spool(tmp_path)
        for round in range(20):
            calls = [asyncio.create_task(spool.keep(told(10 * round + number))) for number in range(5)]
            while round % 2 and not feedback(tmp_path)[f"p{10 * round + 4}"]:
                await asyncio.sleep(0)  # until the others' share a write, which is not yet on the disk
            calls[0].cancel()
            done = await asyncio.gather(*calls, return_exceptions=True)
            assert done[1:] == [None] * 4
        taken = feedback(tmp_path)
        assert all(taken[f"p{10 * round + number}"] == 1 for round in range(20) for number in range(1, 5))
        assert max(taken.values()) == 1

    run(work)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """A disk that is full: no file of this process may grow beyond that."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_refuses_feedback_whole_and_sheds_predictions_and_all_goes_on_after_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        spool = Spool(tmp_path)
        taken: list[int] = []
        with files_of_at_most(5_000):
            await predict(spool, 1, "before")
            for number in range(100):
                (error,) = await asyncio.gather(spool.keep(told(number), told(1000 + number)), return_exceptions=True)
                if error is None:
                    taken += [number, 1000 + number]
                else:
                    assert isinstance(error, StoreUnavailable)
                    assert "full" in str(error)
            for _ in range(3):
                await predict(spool, 2, "x" * 5_000)
            assert spool.shed >= 3
        assert sum("answered and not captured" in one.message for one in caplog.records) == 1
        assert 10 < len(taken) < 200
        assert feedback(tmp_path) == {f"p{number}": 1 for number in taken}
        await spool.keep(told(5000))
        await predict(spool, 2, "after")
        await spool.rotate()
        assert feedback(tmp_path) == {f"p{number}": 1 for number in [*taken, 5000]}
        *_, version, last = records(tmp_path)
        assert isinstance(version, Version)
        assert isinstance(last, Predicted)
        assert (version.number, version.key, last.id) == (2, last.key, "after")

    run(work)


def test_a_disk_that_fails_to_synchronise_refuses_the_feedback_and_its_file_is_written_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        spool = Spool(tmp_path)
        await spool.keep(told(1))
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", lambda _: (_ for _ in ()).throw(OSError(errno.EIO, "Input/output error")))
            with pytest.raises(StoreUnavailable, match="Input/output error"):
                await spool.keep(told(2))
        (failed,) = tmp_path.glob("*.seg")
        before = failed.read_bytes()
        await spool.keep(told(3))
        await predict(spool, 1, "a")
        await spool.rotate()
        assert failed.read_bytes() == before
        assert feedback(tmp_path).keys() >= {"p1", "p3"}

    run(work)


def test_predictions_of_many_threads_are_all_taken_each_by_its_own_version(tmp_path: Path) -> None:
    async def work() -> None:
        spool = Spool(tmp_path)

        def thread(number: int) -> None:
            for turn in range(200):
                version = (number + turn) % 3
                key = spool.key("loans", version, f"r{version}", None, None)
                spool.note(Predicted(key, f"{number} {turn}", 0.0, "v", None, 1, {"age": [version]}, b"1234"))

        with ThreadPoolExecutor(4) as pool:
            threads = [asyncio.wrap_future(pool.submit(thread, number)) for number in range(4)]
            while not all(one.done() for one in threads):
                await spool.rotate()
                await asyncio.sleep(0)
            await asyncio.gather(*threads)
        await spool.rotate()
        seen = []
        for path in tmp_path.glob("*.seg"):
            versions = {}
            for record in segment.read(path)[0]:
                if isinstance(record, Version):
                    versions[record.key] = record.number
                elif isinstance(record, Predicted):
                    seen.append(record.id)
                    assert record.columns["age"] == [versions[record.key]]
        assert sorted(seen) == sorted(f"{number} {turn}" for number in range(4) for turn in range(200))

    run(work)


def test_a_spool_that_vanishes_is_said_in_one_sentence_and_work_goes_on_when_it_is_back(tmp_path: Path) -> None:
    async def work() -> None:
        spool = Spool(tmp_path / "spool")
        (tmp_path / "spool").rmdir()
        with pytest.raises(StoreUnavailable, match=r"cannot be written.*send it again"):
            await spool.keep(told(1))
        (tmp_path / "spool").mkdir()
        await spool.keep(told(1))
        assert feedback(tmp_path / "spool") == {"p1": 1}
        shutil.rmtree(tmp_path / "spool")
        with pytest.raises(FileNotFoundError):
            await spool.rotate()
        with pytest.raises(StoreUnavailable, match="cannot be written"):
            await spool.keep(told(2))
        (tmp_path / "spool").mkdir()
        await spool.keep(told(3))
        await predict(spool, 1, "a")
        await spool.rotate()
        assert [type(one) for one in records(tmp_path / "spool")] == [Told, Version, Predicted]

    run(work)
