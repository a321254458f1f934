"""Models that are no graphs answer from processes of their own, which live as long as their versions do."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noria.errors import BadInput
from noria.model.package import Package
from noria.serve.capture import Spool
from noria.serve.host import Host
from noria.serve.models import Outside, plain
from noria.serve.predict import Service
from noria.serve.protocol import Request
from serve import small
from serve.small import Shelf

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    found = Shelf(small.python)
    found.route("loans", {1: 100}, versions=3)
    return found


@pytest.fixture(scope="module")
async def service(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    host = Host(shelf, noted=lambda *said: noted.append(said))
    await host.refresh()
    assert host.trouble is None
    yield Service(host, Spool(tmp_path_factory.mktemp("spool")))
    left = list(pids(host).values())
    shelf.routes.clear()
    await host.refresh()
    for pid in left:
        await gone(pid)


noted: list[tuple[str, str, int]] = []


def request(version: int | None = None, **other: Any) -> Request:
    columns = {name: [value] for name, value in {**small.ROW, **other}.items()}
    return Request("loans", columns, 1, version=version)


def pids(host: Host) -> dict[int, int]:
    """The processes that run, by version."""
    loaded = host.endpoint("loans").loaded
    found = {number: one.model.pid for number, one in loaded.items() if isinstance(one.model, Outside)}
    return {number: pid for number, pid in found.items() if pid is not None}


async def gone(pid: int) -> None:
    """Until the process is gone, and no zombie of it is left."""
    with anyio.fail_after(30):
        while Path(f"/proc/{pid}").exists():
            await asyncio.sleep(0.01)


async def test_rows_of_many_requests_run_together_in_another_process(service: Service) -> None:
    noted.clear()
    answers = await asyncio.gather(*(service.predict(request()) for _ in range(20)))
    for one in answers:
        assert one.scores[0, 1] == pytest.approx(small.share(one.version))
        assert one.label is not None
        assert list(one.label) == ["no"]
    assert sum(rows for *_, rows in noted) == 20
    assert len(noted) < 20


async def test_one_that_is_killed_is_replaced_and_its_callers_are_answered(service: Service) -> None:
    killed = pids(service.host)[1]
    os.kill(killed, signal.SIGKILL)
    answers = await asyncio.gather(*(service.predict(request()) for _ in range(5)))
    assert {one.version for one in answers} == {1}
    assert pids(service.host)[1] != killed
    await gone(killed)


async def test_its_libraries_use_as_many_threads_as_the_server_was_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")  # none would choose so many
    shelf = Shelf(small.python)
    shelf.route("loans", {1: 100}, versions=1)
    host = Host(shelf)
    await host.refresh()
    (pid,) = pids(host).values()
    assert b"OMP_NUM_THREADS=7" in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    shelf.routes.clear()
    await host.refresh()
    await gone(pid)


async def test_what_is_wrong_with_a_request_is_found_before_it_stands_beside_others(service: Service) -> None:
    good = [service.predict(request()) for _ in range(3)]
    bad = [service.predict(request(age="old")), service.predict(Request("loans", {"age": [1]}, 1))]
    found = await asyncio.gather(*good, *bad, return_exceptions=True)
    assert [isinstance(one, BadInput) for one in found] == [False, False, False, True, True]
    assert "no number" in str(found[3])
    assert "'job' is missing" in str(found[4])


async def test_one_that_cannot_start_leaves_the_route_as_it_was(service: Service, shelf: Shelf) -> None:
    nothing = Package("sklearn", small.SIGNATURE, {"model.skops": b"", "preprocessor.skops": b""}).to_bytes()
    shelf.make = lambda number: nothing if number == 3 else small.python(number)
    shelf.route("loans", {3: 100}, versions=3)
    await service.host.refresh()
    assert "is not followed" in (service.host.trouble or "")
    assert (await service.predict(request())).version == 1


async def test_a_process_goes_when_its_version_does_and_what_it_was_asked_is_answered(
    service: Service, shelf: Shelf
) -> None:
    first = pids(service.host)[1]
    under_way = asyncio.create_task(service.predict(request()))
    await asyncio.sleep(0)
    shelf.make = small.python
    shelf.route("loans", {2: 100}, versions=3)
    await service.host.refresh()
    assert (await under_way).version == 1
    assert (await service.predict(request())).version == 2
    await gone(first)


async def test_beyond_the_bound_what_was_asked_for_longest_ago_is_let_go(tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.route("loans", {1: 100}, versions=30)
    size = 3 * len(small.packed(1)) / 2**20
    host = Host(shelf, memory_mb=4.5 * size)
    service = Service(host, Spool(tmp_path))
    await host.refresh()
    for number in range(2, 31):
        assert (await service.predict(request(version=number))).version == number
        assert (await service.predict(request(version=2))).version == 2
    assert set(host.endpoint("loans").loaded) == {1, 2, 28, 29, 30}
    assert shelf.fetched[2] == 1


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.sampled_from(["1.5", "-2"])
)


@given(st.lists(VALUES, max_size=5), st.lists(VALUES, max_size=5))
def test_what_is_sent_means_what_the_general_way_makes_of_it(ages: list[Any], jobs: list[Any]) -> None:
    rows = min(len(ages), len(jobs))
    columns: dict[str, Any] = {"age": ages[:rows], "job": jobs[:rows]}
    try:
        due = small.SIGNATURE.clean(columns)
    except (BadInput, OverflowError) as refused:
        with pytest.raises(type(refused)):
            plain(columns, small.SIGNATURE)
        return
    sent: Any = plain(columns, small.SIGNATURE)
    found = small.SIGNATURE.clean(sent)
    np.testing.assert_array_equal(found["age"], due["age"])
    assert found["job"].tolist() == due["job"].tolist()


def test_the_server_itself_imports_no_library_of_models() -> None:
    import subprocess

    script = "import sys, noria.serve.worker; print([m for m in ('sklearn', 'pandas', 'torch') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "[]"
