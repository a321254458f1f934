"""What was served, and the labels that came for it: each labelled prediction becomes a training row once."""

import json
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.data import captured, table
from noria.settings import Settings


def place(folder: Path) -> Settings:
    return Settings(home=folder, db="", artifacts="")


def answer(number: int) -> dict[str, object]:
    kinds = dict.fromkeys(captured.PREDICTION)
    return {**kinds, "id": f"p{number}", "at": f"2026-01-0{number}", "inputs": json.dumps({"age": number})}


def told(number: int, label: str | None, rating: float | None = None, at: str = "2026-02-01") -> dict[str, object]:
    return {"prediction": f"p{number}", "at": at, "label": label, "rating": rating, "source": "test"}


def keep(where: Settings, kind: str, batch: str, *rows: dict[str, object]) -> None:
    kinds = captured.PREDICTION if kind == "predictions" else captured.FEEDBACK
    table.append(captured.path(where, "loans", kind), batch, pl.DataFrame(rows, schema=kinds, orient="row"))


def test_labels_find_their_predictions_and_become_source_rows(tmp_path: Path) -> None:
    where = place(tmp_path)
    keep(where, "predictions", "1", answer(2), answer(1), answer(3))
    keep(where, "feedback", "1", told(1, "yes"), told(3, "no"), told(9, "yes"), told(2, None, rating=0.5))
    found = captured.labelled(where, "loans", after=(-1, -1), upto=captured.versions(where, "loans"))
    assert captured.source_rows(found, "approved").to_dicts() == [
        {"age": 1, "approved": "yes"},
        {"age": 3, "approved": "no"},
    ]
    joined = captured.joined(where, "loans").select("id", "label", "rating").rows()
    assert joined == [("p1", "yes", None), ("p2", None, 0.5), ("p3", "no", None)]


def test_the_newest_label_counts_and_a_later_rating_does_not_erase_it(tmp_path: Path) -> None:
    where = place(tmp_path)
    keep(where, "predictions", "1", answer(1))
    keep(where, "feedback", "1", told(1, "yes", at="2026-02-02"), told(1, "no", at="2026-02-01"))
    keep(where, "feedback", "2", told(1, None, rating=1.0, at="2026-02-03"))
    assert captured.labels(where, "loans").rows() == [("p1", "yes", 1.0, "2026-02-02", True, ["test"])]


def test_where_nothing_was_captured_there_is_nothing(tmp_path: Path) -> None:
    where = place(tmp_path)
    assert captured.versions(where, "loans") == (-1, -1)
    assert captured.lookup(where, "loans", "p1") is None
    assert captured.joined(where, "loans").height == 0
    assert captured.labelled(where, "loans", after=(-1, -1), upto=(-1, -1)).height == 0


def test_one_prediction_is_found_by_its_id(tmp_path: Path) -> None:
    where = place(tmp_path)
    keep(where, "predictions", "1", answer(1), answer(2))
    assert (captured.lookup(where, "loans", "p2") or {})["inputs"] == '{"age": 2}'
    assert captured.lookup(where, "loans", "p3") is None


@settings(deadline=None, max_examples=25)
@given(st.permutations([("predictions", n) for n in (1, 2, 3)] + [("feedback", n) for n in (1, 2, 3)]), st.data())
def test_every_labelled_prediction_is_in_exactly_one_of_consecutive_ranges(
    tmp_path_factory: pytest.TempPathFactory, order: list[tuple[str, int]], data: st.DataObject
) -> None:
    where = place(tmp_path_factory.mktemp("captured"))
    marks = [(-1, -1)]
    for kind, number in order:
        keep(where, kind, str(number), answer(number) if kind == "predictions" else told(number, "yes"))
        now = captured.versions(where, "loans")
        if min(now) >= 0 and data.draw(st.booleans()):
            marks.append(now)
    marks.append(captured.versions(where, "loans"))
    parts = [captured.labelled(where, "loans", after=a, upto=b) for a, b in pairwise(marks) if a != b]
    assert sorted(id for part in parts for id in part["id"]) == ["p1", "p2", "p3"]
