"""The threads of gRPC: few work at a time, and those that wait keep none from working."""

import threading
from concurrent.futures import Future, wait
from typing import Any

import pytest

from noria.serve.grpc.pool import Pool

PATIENCE_S = 30


def test_no_more_than_its_hands_work_at_a_time() -> None:
    pool, lock = Pool(hands=3), threading.Lock()
    now = most = 0

    def work(number: int) -> int:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        sum(range(2_000))
        with lock:
            now -= 1
        return number

    assert [one.result(PATIENCE_S) for one in [pool.submit(work, n) for n in range(500)]] == list(range(500))
    assert most <= 3


def test_calls_that_wait_keep_none_from_being_answered() -> None:
    pool, free = Pool(hands=2), threading.Event()

    def slow(number: int) -> int:
        with pool.waiting():
            assert free.wait(PATIENCE_S)
        return number

    for _ in range(3):  # threads that had to rest are taken again
        free.clear()
        held: list[Future[Any]] = [pool.submit(slow, n) for n in range(50)]
        assert [pool.submit(abs, -n).result(PATIENCE_S) for n in range(100)] == list(range(100))
        free.set()
        assert [one.result(PATIENCE_S) for one in held] == list(range(50))


def test_there_is_a_bound_and_what_is_beyond_it_waits_its_turn() -> None:
    pool, free, begun = Pool(hands=2, most=5), threading.Event(), threading.Semaphore(0)

    def slow() -> None:
        with pool.waiting():
            begun.release()
            assert free.wait(PATIENCE_S)

    held = [pool.submit(slow) for _ in range(8)]
    for _ in range(5):
        assert begun.acquire(timeout=PATIENCE_S)
    assert not begun.acquire(timeout=0.05)
    free.set()
    assert not wait(held, PATIENCE_S).not_done


def test_what_is_raised_is_the_futures_and_the_thread_goes_on() -> None:
    pool = Pool(hands=1)
    with pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 / 0).result(PATIENCE_S)
    assert pool.submit(abs, -1).result(PATIENCE_S) == 1
