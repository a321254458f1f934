"""What is drawn without a browser: the wheel, a run's time, what a search says of its parameters."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noria.ui import study, timeline, wheel
from noria.ui.draw import cell, home, name, node
from noria.ui.language import languages

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_wheel_has_its_stages_in_order_each_in_its_place() -> None:
    found = wheel.buckets({"collect": "done", "tune": "running"}, {"tune": "3 of 6"})
    assert [one.word for one in found] == list(wheel.STAGES)
    assert len({(one.x, one.y) for one in found}) == 8
    assert (found[0].sign, found[3].sign, found[4].sign) == ("✓", "▶", "·")
    assert all(0 < one.x < wheel.WIDTH and 0 < one.y < wheel.HEIGHT for one in found)
    assert found[0].x > wheel.WIDTH / 2 > found[7].x, "from the top, clockwise"


def step(state: str, ready: float | None, start: float | None, end: float | None) -> Any:
    times = [None if at is None else BEGAN + timedelta(seconds=at) for at in (ready, start, end)]
    return SimpleNamespace(step="s", shard=0, state=state, ready_at=times[0], started_at=times[1], ended_at=times[2])


def test_a_run_s_time_is_waiting_then_work() -> None:
    first, second, third = timeline.bars(
        [step("done", 0, 1, 3), step("running", 3, 5, None), step("waiting", None, None, None)],
        BEGAN + timedelta(seconds=10),
    )
    assert (first.waited_s, first.worked_s, first.start, first.end) == (1, 2, 100, 300)
    assert (second.waited_s, second.worked_s, second.end) == (2, 5, 1000)
    assert (third.start, third.worked_s) == (None, None)


spans = st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e3), st.floats(0, 1e3)), min_size=1, max_size=9)


@given(spans)
def test_every_bar_is_seen_and_within_the_line(found: list[tuple[float, float, float]]) -> None:
    steps = [step("done", at, at + wait, at + wait + work) for at, wait, work in found]
    for bar in timeline.bars(steps, BEGAN):
        assert bar.start is not None
        assert bar.end is not None
        assert -0.2 <= bar.start < bar.end <= timeline.WIDTH + 0.2
        assert bar.end - bar.start >= timeline.LEAST - 0.2


def trials(values: list[float], **params: list[Any]) -> list[dict[str, Any]]:
    return [
        {"number": n, "value": value, "params": {key: held[n] for key, held in params.items()}}
        for n, value in enumerate(values)
    ]


def test_what_alone_orders_the_values_explains_them_and_noise_does_not() -> None:
    values = [0.1, 0.4, 0.9, 1.6, 2.5, 3.6]
    found = {
        one["feature"]: one["loss"]
        for one in study.importance(
            trials(values, size=[1, 2, 3, 4, 5, 6], kind=["a", "a", "a", "b", "b", "b"], same=[7] * 6)
        )
    }
    assert found["size"] == pytest.approx(1)
    assert found["kind"] == pytest.approx(27 / 35)  # between groups 2·3·1.5² of 17.5 in all
    assert found["same"] == 0
    assert list(found) == ["size", "kind", "same"]


def test_too_few_trials_explain_nothing() -> None:
    assert study.importance(trials([1, 2, 3], x=[1, 2, 3])) == []


@pytest.mark.parametrize(
    ("id", "trace", "own"),
    [
        ("model_version:loans@3", "/trace?id=model_version:loans@3", "/model/loans@3"),
        ("dataset_version:a@1", "/trace?id=dataset_version:a@1", "/data/a@1"),
        ("run:loans-1", "/trace?id=run:loans-1", "/run/loans-1"),
        ("step:loans-1/tune", "/run/loans-1#tune", "/run/loans-1#tune"),
        ("model:loans", "/model/loans", None),
        ("source:in box/<b>.csv", "/trace?id=source:in%20box%2F%3Cb%3E.csv", None),
    ],
)
def test_a_thing_of_the_lineage_has_an_address(id: str, trace: str, own: str | None) -> None:
    assert node(id) in (trace, trace.replace("%2F", "/"))
    assert home(id) == own


def test_values_are_escaped_and_names_isolated() -> None:
    english = languages()["en"]
    assert str(name("<b>")) == "<bdi>&lt;b&gt;</bdi>"
    assert str(cell({"a<": [1, None, True]}, english)) == "<bdi>a&lt;</bdi> 1, –, ✓"


def test_altair_meets_no_library_that_is_half_read() -> None:
    """It looks for pandas among what is loaded; a page's thread that is reading it at that time broke charts."""
    code = "import noria.ui.charts, sys; sys.exit(0 if hasattr(sys.modules.get('pandas'), 'Timestamp') else 3)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
