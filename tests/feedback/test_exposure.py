"""What an experiment has seen: subjects, each once, and only of its own time and versions."""

import json
from datetime import UTC, datetime

import polars as pl
import pytest

from noria.errors import UserError
from noria.feedback.experiment import Guard, Rules
from noria.feedback.exposure import arms, spelled

START = datetime(2026, 1, 1, tzinfo=UTC)
RULES = Rules("accuracy", 0.02, (Guard("-brier", 0.01), Guard("accuracy@sex=f", 0.05), Guard("selection_rate", 0.1),
                                 Guard("rating", 1.0)))  # fmt: skip
KINDS = dict.fromkeys(("id", "at", "variant", "subject", "inputs", "outputs", "label"), pl.String) | {
    "version": pl.Int64, "rating": pl.Float64
}  # fmt: skip


def answer(number: int, version: int, subject: str | None, said: float, label: str | None, **more: object) -> dict:
    outputs = {"label": "yes" if said > 0.5 else "no", "probabilities": {"no": 1 - said, "yes": said}}
    return {
        "id": f"{number:04d}.{number % 2}" if subject is None else f"{number:04d}", "version": version,
        "at": f"2026-01-01T00:{number:02d}:00.000000+00:00", "subject": subject, "outputs": json.dumps(outputs),
        "inputs": json.dumps({"sex": "f" if number % 2 else "m"}), "label": label, "rating": None, **more,
    }  # fmt: skip


def told(*rows: dict, fresh: bool = False) -> tuple:
    frame = pl.DataFrame(list(rows), schema=KINDS)
    return arms(frame, "classification", RULES, {1: 50, 2: 50}, START, fresh=fresh)


def test_a_subject_counts_once_with_its_first_answer_of_which_the_truth_is_known() -> None:
    champion, challenger, both = told(
        answer(1, 1, "ann", 0.9, None),
        answer(2, 1, "ann", 0.9, "yes", rating=4.0),
        answer(3, 1, "ann", 0.9, "no"),
        answer(4, 1, "bob", 0.2, "yes"),
        answer(5, 2, "cem", 0.8, "yes"),
        answer(6, 2, "dan", 0.7, None, rating=2.0),
        answer(7, 2, "eve", 0.6, "maybe"),
    )
    assert (champion.answers, challenger.answers, both) == (2, 3, 0)
    assert (champion.known["accuracy"].count, champion.known["accuracy"].mean) == (2, 0.5)
    assert champion.known["brier"].mean == pytest.approx((0.1**2 + 0.8**2) / 2)
    assert (challenger.known["accuracy"].count, challenger.known["accuracy"].mean) == (1, 1.0)
    assert (challenger.known["selection_rate"].count, challenger.known["selection_rate"].mean) == (3, 1.0)
    assert [arm.known["rating"].mean for arm in (champion, challenger)] == [4.0, 2.0]
    assert champion.known["accuracy@sex=f"].count == 1
    assert champion.known["accuracy"].spread == pytest.approx(0.5)


def test_who_was_answered_by_both_counts_for_neither() -> None:
    champion, challenger, both = told(
        answer(1, 1, "ann", 0.9, "yes"), answer(2, 2, "ann", 0.9, "yes"), answer(3, 2, "bob", 0.9, "yes")
    )
    assert (champion.answers, challenger.answers, both) == (0, 1, 1)


def test_what_chance_drew_is_no_part_of_it() -> None:
    champion, challenger, both = told(
        answer(1, 1, "ann", 0.9, "yes", variant="champion"),
        answer(2, 2, "ann", 0.9, "yes", variant="explored"),
        answer(3, 2, "bob", 0.9, "yes", variant="explored"),
    )
    assert (champion.answers, challenger.answers, both) == (1, 0, 0)


def test_rows_of_one_request_without_a_subject_are_one() -> None:
    rows = [answer(n, 1, None, 0.9, "yes") for n in (1, 2)]
    rows = [{**row, "id": f"0001.{place}"} for place, row in enumerate(rows)]
    assert told(*rows)[0].answers == 1


def test_what_came_before_and_other_versions_do_not_count() -> None:
    early = {**answer(1, 2, "ann", 0.9, "yes"), "at": "2025-12-31T23:59:00.000000+00:00"}
    champion, challenger, _ = told(early, answer(2, 3, "bob", 0.9, "yes"), answer(3, 1, "cem", 0.9, "yes"))
    assert (champion.answers, challenger.answers) == (1, 0)


def test_a_challenger_that_is_new_tells_by_its_first_answer_that_servers_have_followed() -> None:
    rows = [answer(1, 1, "ann", 0.9, "yes"), answer(2, 1, "bob", 0.9, "yes")]
    assert [arm.answers for arm in told(*rows, fresh=True)[:2]] == [0, 0]
    rows += [answer(3, 2, "cem", 0.9, "yes"), answer(4, 1, "dan", 0.9, "yes"), answer(5, 2, "eve", 0.9, "yes")]
    assert [arm.answers for arm in told(*rows, fresh=True)[:2]] == [1, 1]


@pytest.mark.parametrize(
    ("name", "task", "as_kept"),
    [
        ("accuracy", "classification", "accuracy"),
        ("brier", "classification", "-brier"),
        ("-brier", "classification", "-brier"),
        ("brier@sex=f", "classification", "-brier@sex=f"),
        ("absolute_error", "regression", "-absolute_error"),
        ("rating", "regression", "rating"),
    ],
)
def test_a_loss_has_its_minus(name: str, task: str, as_kept: str) -> None:
    assert spelled(name, task) == as_kept


@pytest.mark.parametrize(
    ("name", "task"), [("roc_auc", "classification"), ("accuracy", "regression"), ("", "regression")]
)
def test_what_is_no_mean_over_answers_is_no_metric_of_an_experiment(name: str, task: str) -> None:
    with pytest.raises(UserError, match="is no metric of an experiment"):
        spelled(name, task)
