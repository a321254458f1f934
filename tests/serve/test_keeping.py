"""What is kept: a share of the predictions that the ids decide, and no column that was to be left out, both ways."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import noria as root
from noria.errors import BadLifecycle
from noria.serve.flush import flush
from noria.serve.ids import Ids
from noria.serve.keeping import Keeping
from noria.serve.predict import Service
from noria.serve.protocol import Feedback
from noria.settings import load
from serve.test_quick import Both, body

SECRET = "Erika Mustermann"


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    found = Both(load(tmp_path, environ={"NORIA_HOME": str(tmp_path / ".noria")}))
    yield found
    found.runner.close()


def keeping(both: Both, rule: Keeping) -> None:
    both.shelf.keeping = rule
    both.shelf.route("loans", {3: 1})
    both.runner.run(both.host.refresh())
    both.service = Service(both.host, both.service.spool)


def spooled(both: Both) -> bytes:
    return b"".join(one.read_bytes() for one in both.place.spool.glob("*.*"))


def ask(both: Both, job: str, quick: bool) -> Any:
    found = (both.quick if quick else both.general)(body(40, job))
    assert found is not None
    return found["parameters"]["prediction_id"]


@pytest.mark.parametrize("quick", [True, False])
def test_a_redacted_column_is_nowhere_on_the_disk(both: Both, quick: bool) -> None:
    first = ask(both, SECRET, quick)
    assert SECRET.encode() in spooled(both)
    assert "job" in both.captured()[first]["inputs"]
    keeping(both, Keeping(redact=frozenset(["job"])))
    id = ask(both, SECRET + " again", quick)
    assert spooled(both)
    assert b"again" not in spooled(both)
    row = both.captured()[id]
    assert "job" not in row["inputs"]
    assert '"age":40' in row["inputs"].replace("40.0", "40")


def test_the_ids_decide_which_predictions_are_kept_the_same_both_ways(both: Both) -> None:
    rule = Keeping(sample=0.3)
    keeping(both, rule)
    asked = [ask(both, "clerk", quick=n % 2 == 0) for n in range(400)]
    kept = both.captured()
    assert set(kept) == {id for id in asked if rule.takes(id)}
    assert 60 < len(kept) < 190  # of a binomial distribution with mean 120, more than 6 deviations away


def test_feedback_for_a_prediction_outside_the_sample_is_taken_and_counts_for_nothing(both: Both) -> None:
    rule = Keeping(sample=0.5)
    keeping(both, rule)
    asked = [ask(both, "clerk", quick=True) for _ in range(40)]
    outside = next(id for id in asked if not rule.takes(id))
    inside = next(id for id in asked if rule.takes(id))
    told = [Feedback(id, "yes", None, "test") for id in (outside, inside)]
    both.runner.run(both.service.tell(told))
    both.captured()
    flush(both.place)
    joined = root_joined(both)
    assert joined[inside] == "yes"
    assert outside not in joined


def root_joined(both: Both) -> dict[str, Any]:
    from noria.data import captured

    return {row["id"]: row["label"] for row in captured.joined(both.place, "loans").to_dicts()}


def test_the_whole_is_kept_where_nothing_else_is_declared() -> None:
    assert Keeping.of({}) is None
    assert Keeping.of({"champion": 90, "challenger": 10, "sample": 1.0, "redact": []}) is None
    assert Keeping.of({"sample": 0.1, "redact": ["name"]}) == Keeping(0.1, frozenset(["name"]))
    assert Keeping(1.0).takes(Ids().new("loans"))


@pytest.mark.parametrize("declared", [{"sample": 0.0}, {"sample": 1.5}, {"redact": "name"}, {"redact": [1]}])
def test_what_cannot_be_declared_is_said(declared: dict[str, Any]) -> None:
    with pytest.raises(BadLifecycle):
        root.Serve(**declared)
