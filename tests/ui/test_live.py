"""Events: who listens hears that something changed, at once and not before; values that take long come later."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator

from starlette.requests import Request

from noria.store import datasets
from noria.ui.live import AWAY, Live
from noria.ui.slow import Slow
from noria.ui.turns import Turns

from .conftest import Browser
from .filled import shadowed


async def next_mark(stream: AsyncIterator[str]) -> str:
    async for text in stream:
        if text.startswith("data: "):
            return text.strip()
    raise AssertionError("the stream ended")


def listen(live: Live) -> AsyncIterator[str]:
    request = Request({"type": "http", "method": "GET", "path": "/events", "headers": []})
    return live.answer(request).body_iterator  # type: ignore[attr-defined,no-any-return]


def test_a_change_is_heard_by_all_who_listen(mine: Browser) -> None:
    async def told() -> None:
        slow = Slow()
        live = Live(mine.place, slow, Turns(mine.place))
        await live.begin()
        one, other = listen(live), listen(live)
        first = await asyncio.wait_for(next_mark(one), 10)
        assert await asyncio.wait_for(next_mark(other), 10) == first
        again = asyncio.ensure_future(next_mark(one))
        await asyncio.sleep(1.5)
        assert not again.done(), "nothing changed"
        with mine.place.store.begin() as c:
            datasets.set_tag(c, mine.place.clock, "loans", "good", 1, actor="ada")
        from noria.store import audit

        with mine.place.store.begin() as c:
            audit.record(c, mine.place.clock, actor="x", action="y", subject="z:1")
        live.hurry()
        changed = await asyncio.wait_for(again, 10)
        assert changed != first
        assert await asyncio.wait_for(next_mark(other), 10) == changed
        slow.get("a", 1, lambda: 1, patience=5)
        live.hurry()
        assert await asyncio.wait_for(next_mark(one), 10) != changed, "what was computed aside is news"
        await live.end()
        assert [text async for text in other if text.startswith("data")][1:] == []
        slow.close()

    asyncio.run(told())


def test_a_store_that_is_away_is_a_mark_of_its_own(mine: Browser) -> None:
    live = Live(mine.place, Slow(), Turns(mine.place))
    before = live._seen()
    with mine.place.store.engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE alert RENAME TO alert_being_moved")
        connection.commit()
    assert live._seen() == AWAY
    with mine.place.store.engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE alert_being_moved RENAME TO alert")
        connection.commit()
    assert live._seen() == before


def test_a_slow_value_is_computed_once_for_its_marks_and_the_last_one_is_shown_meanwhile() -> None:
    slow, gate, calls = Slow(), threading.Event(), []

    def compute(value: int) -> int:
        calls.append(value)
        gate.wait(20)
        return value

    assert slow.get("k", 1, lambda: compute(1)).value is None
    assert slow.get("k", 1, lambda: compute(1)).fresh is False
    gate.set()
    assert slow.get("k", 1, lambda: compute(1), patience=20).value == 1
    assert calls == [1]
    gate.clear()
    waiting = slow.get("k", 2, lambda: compute(2))
    assert (waiting.value, waiting.fresh) == (1, False)
    gate.set()
    known = slow.get("k", 2, lambda: compute(2), patience=20)
    assert (known.value, known.fresh) == (2, True)
    slow.close()


def test_a_slow_value_that_fails_says_so() -> None:
    slow = Slow()

    def fail() -> None:
        raise ValueError("the table is damaged")

    known = slow.get("k", 1, fail, patience=20)
    assert (known.value, known.fresh, known.trouble) == (None, True, "the table is damaged")
    slow.close()


def test_what_a_shadow_would_have_answered_is_shown_beside_what_was(mine: Browser) -> None:
    shadowed(mine.place.settings, 40, version=2)
    found = mine.json("/feedback/loans")
    while found["counting"]:
        found = mine.json("/feedback/loans")
    (beside,) = found["found"]["shadows"]
    assert (beside["version"], beside["predictions"], beside["agreement"]) == (2, 40, 0.75)
    assert beside["difference"] > 0
    text = mine.page("/feedback/loans").text
    assert "Shadows, beside what was answered" in text
    assert "75" in text.partition("Shadows, beside")[2]


def test_what_is_not_in_the_tables_yet_is_told_with_its_age(mine: Browser) -> None:
    assert mine.json("/route/loans")["capture"] == {"lag_s": 0.0, "bytes": 0}
    spool = mine.place.settings.spool
    spool.mkdir(exist_ok=True)
    for name, size, age in (("1.seg", 3 * 1024, 3600), ("2.open", 1024, 60)):
        (spool / name).write_bytes(bytes(size))
        os.utime(spool / name, (time.time() - age,) * 2)
    waiting = mine.json("/route/loans")["capture"]
    assert waiting["bytes"] == 4 * 1024
    assert waiting["lag_s"] >= 3600
    assert "4 KiB" in mine.page("/route/loans").text.replace("\u00a0", " ").replace("4.0", "4")
