"""A clock that goes back loses nothing, counts nothing twice, and is told; what was live at a time has one answer."""

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from data.steps import Bench
from noria.clock import FixedClock
from noria.data import captured
from noria.data.schema import Schema
from noria.feedback.look import Asked, Performance, look
from noria.feedback.performance import windows
from noria.lifecycle import Lifecycle
from noria.serve import ids, segment
from noria.serve.flush import flush
from noria.serve.segment import Predicted, Told, Version
from noria.settings import Settings
from noria.store import audit, routes

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = 3600.0
CLASSES = ("no", "yes")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, Lifecycle("loans", collect="inbox/*.csv", label="paid"))


def spooled(on: Settings, *records: segment.Record) -> None:
    on.spool.mkdir(parents=True, exist_ok=True)
    path = segment.new_path(on.spool)
    path.write_bytes(b"".join(map(segment.frame, (Version(0, "loans", 1, "r1", CLASSES, None), *records))))
    segment.complete(path)
    flush(on)


def answered(id: str, at: float) -> Predicted:
    return Predicted(0, id, at, "champion", None, 1, {"age": [30.0]}, np.array([[0.2, 0.8]], np.float32).tobytes())


def label(id: str, at: float, said: str = "yes") -> Told:
    return Told("loans", id, at, said, None, "api")


def looked(on: Bench) -> Performance:
    return look(on.settings, on.store, on.artifacts, "loans", Asked(Schema(label="paid"), window=timedelta(hours=1)))


def test_ids_stay_different_and_known_while_the_clock_jumps(monkeypatch: pytest.MonkeyPatch) -> None:
    given, fresh = [], ids.Ids()
    for jump in (0, -HOUR, -HOUR, HOUR, 0, -24 * HOUR):
        moment = int((NOON.timestamp() + jump) * 1e9)
        monkeypatch.setattr(time, "time_ns", lambda moment=moment: moment)
        given += [fresh.new("loans") for _ in range(5000)]
    assert len(set(given)) == len(given)
    assert {ids.endpoint_of(one, ["other", "loans"]) for one in given} == {"loans"}


def test_every_answer_and_label_is_counted_once_in_one_window_and_the_clock_is_told(bench: Bench) -> None:
    noon, on = NOON.timestamp(), bench.settings
    before, after = [f"p{n}" for n in range(6)], [f"q{n}" for n in range(4)]
    commits: list[captured.Versions] = [captured.versions(on, "loans")]
    spooled(on, *(answered(id, noon + n) for n, id in enumerate(before)), label("p0", noon + 60))
    commits.append(captured.versions(on, "loans"))
    back = noon - 2 * HOUR  # from here on
    spooled(on, *(answered(id, back + n) for n, id in enumerate(after)), *(label(id, back + 60) for id in before[1:4]))
    commits.append(captured.versions(on, "loans"))
    spooled(on, *(label(id, back + 90) for id in after))
    commits.append(captured.versions(on, "loans"))

    joined = captured.joined(on, "loans")
    assert sorted(joined["id"]) == sorted(before + after)
    assert set(joined.drop_nulls("label")["id"]) == {*before[:4], *after}
    begins = windows(joined["at"], timedelta(hours=1))
    assert begins.value_counts().sort("at").rows() == [("2026-03-04 10:00", 4), ("2026-03-04 12:00", 6)]
    found = looked(bench)
    assert (found.late.early, found.late.changed) == (3, 0)
    assert [(one.predictions, one.labelled) for one in found.versions] == [(10, 8)]
    assert [(one.name, one.predictions, one.labelled) for one in found.by("window")] == [
        ("2026-03-04 10:00", 4, 4), ("2026-03-04 12:00", 6, 4),
    ]  # fmt: skip
    collected = [set(captured.labelled(on, "loans", after=one, upto=next_)["id"]) for one, next_ in pairwise(commits)]
    assert collected == [{"p0"}, set(before[1:4]), set(after)]


@pytest.mark.parametrize(("moved", "counts"), [(60.0, "no"), (-HOUR, "yes")], ids=["it goes on", "it goes back"])
def test_of_two_labels_the_one_of_the_later_time_counts_and_that_it_changed_is_told(
    bench: Bench, moved: float, counts: str
) -> None:
    noon, on = NOON.timestamp(), bench.settings
    spooled(on, answered("p", noon), label("p", noon + 1, "yes"))
    spooled(on, label("p", noon + 1 + moved, "no"))
    assert captured.joined(on, "loans")["label"].to_list() == [counts]
    assert looked(bench).late.changed == 1


def test_what_was_live_has_one_answer_and_the_log_of_decisions_still_holds(bench: Bench) -> None:
    def at(hours: float) -> FixedClock:
        return FixedClock(NOON + timedelta(hours=hours))

    with bench.store.begin() as c:
        for hours, weights in ((0, {"1": 100}), (-1, {"1": 50, "2": 50}), (-2, {"2": 100})):
            routes.set_weights(c, at(hours), "loans", weights, actor="ada", reason="r")
    with bench.store.read() as c:
        live = {hours: routes.at(c, "loans", at(hours).now()) for hours in (-3, -2, -1.5, -0.5, 1)}
        assert audit.count(c) >= 3
        assert list(audit.problems(c)) == []
    assert live.pop(-3) is None
    assert {hours: one.revision for hours, one in live.items() if one} == {-2: 3, -1.5: 3, -0.5: 3, 1: 3}
