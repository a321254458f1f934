"""Turn again? Decided by what happened, as tables."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

import noria as nr
from noria.data.moved import Moved
from noria.feedback.drift import Drifted
from noria.feedback.performance import Measured
from noria.feedback.trigger import FEWEST, HOLD, TURN, WAIT, Call, Evidence, Turned, calls, decide
from noria.stats.interval import Span
from noria.stats.shift import Shift

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RELEASED = {1: {"roc_auc": 0.90, "log_loss": 0.30}, 2: {"roc_auc": 0.80}}


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


def live(version: int, labelled: int = 1000, around: float = 0.01, **metrics: float) -> Measured:
    spans = {name: Span(value, value - around, value + around) for name, value in metrics.items()}
    return Measured(version, "version", str(version), labelled, labelled, labelled, spans)


@pytest.mark.parametrize(
    ("rule", "performance", "why"),
    [
        (None, [live(1, roc_auc=0.1)], None),
        (nr.when("roc_auc", drops=0.03), [], None),
        (nr.when("roc_auc", drops=0.03), [live(1, roc_auc=0.95)], None),
        (nr.when("roc_auc", drops=0.03), [live(1, roc_auc=0.88)], None),
        (nr.when("roc_auc", drops=0.03), [live(1, roc_auc=0.86)], "version 1 is 0.860 live and was 0.900 at release"),
        (nr.when("roc_auc", drops=0.03), [live(1, around=0.05, roc_auc=0.86)], None),
        (nr.when("roc_auc", drops=0.03), [live(1, FEWEST - 1, roc_auc=0.1)], None),
        (nr.when("roc_auc", drops=0.03), [live(1, FEWEST, roc_auc=0.1)], "roc_auc of version 1 is 0.100"),
        (nr.when("roc_auc", drops=0.03), [live(2, roc_auc=0.79), live(1, roc_auc=0.79)], "version 1 is 0.790"),
        (nr.when("roc_auc", drops=0.03), [live(1, roc_auc=0.9), live(2, roc_auc=0.7)], "version 2 is 0.700"),
        (nr.when("log_loss", drops=0.1), [live(1, log_loss=0.2)], None),
        (nr.when("log_loss", drops=0.1), [live(1, log_loss=0.35)], None),
        (nr.when("log_loss", drops=0.1), [live(1, log_loss=0.41)], "log_loss of version 1 is 0.410 live and was 0.300"),
        (nr.when("log_loss", drops=0.1), [live(2, log_loss=9.0)], None),
        (nr.when("roc_auc", drops=0.03), [live(7, roc_auc=0.1)], None),
        (nr.when("roc_auc", drops=0.03), [live(1)], None),
        (nr.when("recall", drops=0.03), [live(1, roc_auc=0.1)], None),
        (nr.when("roc_auc", drops=0.03, estimated=True), [live(1, roc_auc=0.1)], None),
        (
            nr.when("roc_auc", drops=0.03, estimated=True),
            [Measured(1, "version", "1", 900, 0, 0, {}, {"roc_auc": Span(0.8, 0.79, 0.81)})],
            "roc_auc of version 1 is estimated at 0.800 live",
        ),
    ],
    ids=[
        "no rule", "nothing served", "better", "within the bound", "a drop", "a drop that may be chance",
        "a drop in too few labels", "a drop in just enough", "one of two dropped", "the other of two dropped",
        "a smaller loss", "a little more loss", "more loss", "nothing was known at release",
        "a version nobody released", "no metrics yet", "another metric", "estimated, and nothing is",
        "an estimate without a label",
    ],
)  # fmt: skip
def test_what_is_live_calls_when_it_is_surely_worse(rule: Any, performance: list[Measured], why: str | None) -> None:
    found = calls(nr.Feedback(retrain=rule), Evidence(live=performance, released=RELEASED), [], NOW)
    assert [one.trigger for one in found] == ([] if why is None else ["performance"])
    assert why is None or why in found[0].why


MOVED = Moved("age", {"jensen_shannon": 0.5}, 0.0, 2.0, moved=True)
STILL = Moved("job", {"jensen_shannon": 0.0}, 0.5, 0.1, moved=False)
SHIFT = Shift("yes", 0.3, 0.5, 0.15, 0.25)
DONE = [Turned(ago(days=3), "", "", "done")]


@pytest.mark.parametrize(
    ("declared", "evidence", "turns", "triggers"),
    [
        (nr.Feedback(), Evidence(arrived=[("a.csv", "d1")]), [], ["new data"]),
        (nr.Feedback(on_data=False), Evidence(arrived=[("a.csv", "d1")]), [], []),
        (nr.Feedback(), Evidence(erased=["e1"], asked=("r1", "because")), [], ["person", "erasure"]),
        (nr.Feedback(retrain=nr.when_drift()), Evidence(drift=[Drifted(1, 500, [MOVED, STILL])]), [], ["drift"]),
        (nr.Feedback(retrain=nr.when_drift(columns=2)), Evidence(drift=[Drifted(1, 500, [MOVED, STILL])]), [], []),
        (nr.Feedback(retrain=nr.when_label_shift(0.1)), Evidence(drift=[Drifted(1, 500, labels=SHIFT)]), [],
         ["label shift"]),
        (nr.Feedback(retrain=nr.when_label_shift(0.3)), Evidence(drift=[Drifted(1, 500, labels=SHIFT)]), [], []),
        (nr.Feedback(retrain=nr.when_labelled(500)), Evidence(labelled=499), [], []),
        (nr.Feedback(retrain=nr.when_labelled(500)), Evidence(labelled=500), [], ["labelled"]),
        (nr.Feedback(retrain=nr.every("7d")), Evidence(), [], ["schedule"]),
        (nr.Feedback(retrain=nr.every("7d")), Evidence(), DONE, []),
        (nr.Feedback(retrain=nr.every("3d")), Evidence(), DONE, ["schedule"]),
        (nr.Feedback(retrain=[nr.every("3d"), nr.when_drift()]), Evidence(drift=[Drifted(1, 9, [MOVED])]), DONE,
         ["drift", "schedule"]),
        (nr.Feedback(retrain=nr.every("3d")), Evidence(), [Turned(NOW + timedelta(days=400), "", "", "done")],
         ["schedule"]),
    ],
)  # fmt: skip
def test_everything_that_calls_is_told_the_most_urgent_first(
    declared: nr.Feedback, evidence: Evidence, turns: list[Turned], triggers: list[str]
) -> None:
    assert [one.trigger for one in calls(declared, evidence, turns, NOW)] == triggers


DATA, DROP, ASKED = Call("new data", "new: a.csv", "d1"), Call("performance", "it fell", "auc of 1"), Call(
    "person", "because", "r1"
)  # fmt: skip
OTHER = [Turned(ago(hours=n), "new data", f"x{n}", "done") for n in (5, 4, 3, 2, 1)]
RULES = nr.Feedback(turns=5, per="1d", pause="10m", longest="2h")


@pytest.mark.parametrize(
    ("calling", "turns", "held", "word", "said"),
    [
        ([], [], None, WAIT, "nothing calls"),
        ([DATA], [], None, TURN, "new: a.csv"),
        ([DATA], [Turned(ago(hours=1), "new data", "d1", "done")], None, WAIT, ""),
        ([DATA], [Turned(ago(hours=1), "new data", "d1", "stopped")], None, WAIT, ""),
        ([DATA], [Turned(ago(hours=1), "new data", "d0", "stopped")], None, TURN, ""),
        ([DATA], [Turned(ago(minutes=9), "new data", "d1", "failed")], None, HOLD, "a moment ago"),
        ([DATA], [Turned(ago(minutes=11), "new data", "d1", "failed")], None, TURN, ""),
        ([DATA], [Turned(ago(minutes=m), "new data", "d1", "failed") for m in (60, 30, 15)], None, HOLD, ""),
        ([DATA], [Turned(ago(minutes=m), "new data", "d1", "failed") for m in (90, 60, 45)], None, TURN, ""),
        ([DATA], OTHER, None, HOLD, "5 turns in 1d are the budget"),
        ([DATA], OTHER[1:], None, TURN, ""),
        ([DATA], [Turned(ago(hours=25), "new data", "x", "done"), *OTHER[1:]], None, TURN, ""),
        ([DATA], [Turned(one.at, "", "", "done") for one in OTHER], None, TURN, ""),
        ([ASKED], OTHER, "an experiment runs", TURN, "because"),
        ([ASKED], [Turned(ago(hours=1), "person", "r1", "done")], None, WAIT, ""),
        ([ASKED], [Turned(ago(hours=1), "person", "r1", "failed")], None, TURN, ""),
        ([DATA], [], "an experiment runs", HOLD, "an experiment runs"),
        ([DROP], [Turned(ago(minutes=30), "performance", "auc of 1", "done")], None, HOLD, "a moment ago"),
        ([DROP], [Turned(ago(minutes=130), "performance", "auc of 1", "done")], None, TURN, "it fell"),
        ([DROP], [Turned(ago(days=9), "performance", "auc of 1", "stopped")], None, WAIT, ""),
        ([DROP, DATA], [Turned(ago(minutes=30), "performance", "auc of 1", "done")], None, TURN, "a.csv"),
        ([DATA], [Turned(NOW + timedelta(hours=n), "new data", f"x{n}", "done") for n in range(1, 6)], None, HOLD, ""),
        ([DATA], [Turned(NOW + timedelta(days=n), "new data", f"x{n}", "done") for n in range(2, 8)], None, TURN, ""),
    ],
    ids=[
        "nothing", "a first file", "answered", "stopped at a gate: a person decides", "another file after a stop",
        "just failed", "failed a while ago", "failed three times", "failed three times, a while ago",
        "the budget is spent", "the budget is nearly spent", "one is long ago", "turns by hand cost nothing",
        "a person has no budget", "a person's wish is answered", "a person's wish failed", "held",
        "it fell and a turn did not help", "it fell still", "it fell and a gate stopped the turn",
        "a pause of one holds up no other", "the clock went back by hours", "the clock was wrong by days",
    ],
)  # fmt: skip
def test_whether_the_wheel_turns_now(
    calling: list[Call], turns: list[Turned], held: str | None, word: str, said: str
) -> None:
    found = decide(RULES, calling, turns, NOW, held)
    assert found.word == word, found.why
    assert said in found.why
    assert found.until is None or found.until > NOW


def test_whatever_fails_again_and_again_is_tried_ever_less_often_and_never_beyond_the_budget() -> None:
    turns: list[Turned] = []
    now = NOW
    while now < NOW + timedelta(days=2):
        found = decide(RULES, [DATA], turns, now)
        if found.word == TURN:
            turns.append(Turned(now, "new data", "d1", "failed"))
        now += timedelta(minutes=1)
    gaps = [(b.at - a.at).total_seconds() / 60 for a, b in pairwise(turns)]
    assert gaps[:3] == [10, 20, 40]
    for first in turns:
        assert sum(first.at <= one.at < first.at + timedelta(days=1) for one in turns) <= 5
