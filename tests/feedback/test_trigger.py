"""Turn again? Decided by what happened, as a table."""

from typing import Any

import pytest

from noria.feedback.config import When, when
from noria.feedback.trigger import FEWEST, retrain

RELEASED = {1: {"roc_auc": 0.90, "log_loss": 0.30}, 2: {"roc_auc": 0.80}}


def live(version: int, labelled: int = 1000, **metrics: float) -> dict[str, Any]:
    return {"version": version, "labelled": labelled, "metrics": metrics}


@pytest.mark.parametrize(
    ("rule", "performance", "why"),
    [
        (None, [live(1, roc_auc=0.1)], None),
        (when("roc_auc", drops=0.03), [], None),
        (when("roc_auc", drops=0.03), [live(1, roc_auc=0.95)], None),
        (when("roc_auc", drops=0.03), [live(1, roc_auc=0.88)], None),
        (when("roc_auc", drops=0.03), [live(1, roc_auc=0.86)], "version 1 is 0.860 live and was 0.900 at release"),
        (when("roc_auc", drops=0.03), [live(1, FEWEST - 1, roc_auc=0.1)], None),
        (when("roc_auc", drops=0.03), [live(1, FEWEST, roc_auc=0.1)], "roc_auc of version 1 is 0.100"),
        (when("roc_auc", drops=0.03), [live(2, roc_auc=0.79), live(1, roc_auc=0.79)], "version 1 is 0.790"),
        (when("roc_auc", drops=0.03), [live(1, roc_auc=0.9), live(2, roc_auc=0.7)], "version 2 is 0.700"),
        (when("log_loss", drops=0.1), [live(1, log_loss=0.2)], None),
        (when("log_loss", drops=0.1), [live(1, log_loss=0.35)], None),
        (when("log_loss", drops=0.1), [live(1, log_loss=0.41)], "log_loss of version 1 is 0.410 live and was 0.300"),
        (when("log_loss", drops=0.1), [live(2, log_loss=9.0)], None),
        (when("roc_auc", drops=0.03), [live(7, roc_auc=0.1)], None),
        (when("roc_auc", drops=0.03), [{"version": 1, "labelled": 1000}], None),
        (when("recall", drops=0.03), [live(1, roc_auc=0.1)], None),
    ],
    ids=[
        "no rule", "nothing served", "better", "within the bound", "a drop", "a drop in too few labels",
        "a drop in just enough", "one of two dropped", "the other of two dropped", "a smaller loss",
        "a little more loss", "more loss", "nothing was known at release", "a version nobody released",
        "no metrics yet", "another metric",
    ],
)  # fmt: skip
def test_when_the_wheel_turns_again(rule: When | None, performance: list[dict[str, Any]], why: str | None) -> None:
    found = retrain(rule, performance, RELEASED)
    assert (found is None) == (why is None)
    assert why is None or why in (found or "")
