"""noria experiment: begun, looked at, decided by its numbers or by a person; the route follows."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from noria.data import captured, table

from .conftest import Noria, place_of


def capture(folder: Path, right: dict[int, float], count: int, batch: str = "x", champions: int | None = None) -> None:
    """Answers to so many subjects a version, just now, right so often; all their labels."""
    settings = place_of(folder).settings
    random = np.random.default_rng(len(batch))
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    rows, labels = [], []
    for version, share in right.items():
        for n in range(champions if champions is not None and version == 1 else count):
            id = f"{'a' if n == 0 and version == 2 else 'b'}-{batch}-{version}-{n}"
            out = {"label": "yes", "probabilities": {"no": 0.2, "yes": 0.8}}
            rows.append(
                {**dict.fromkeys(captured.PREDICTION), "id": id, "at": now, "version": version, "variant": "v",
                 "subject": f"{batch}-{version}-{n}", "inputs": json.dumps({"sex": "fm"[n % 2]}),
                 "outputs": json.dumps(out)}
            )  # fmt: skip
            label = "yes" if random.random() < share else "no"
            labels.append({**dict.fromkeys(captured.FEEDBACK), "prediction": id, "at": now, "label": label})
    for kind, found, kinds in (("predictions", rows, captured.PREDICTION), ("feedback", labels, captured.FEEDBACK)):
        table.append(captured.path(settings, "loans", kind), batch, pl.DataFrame(found, schema=kinds))


START = ("experiment", "start", "loans", "--challenger", "2", "--reason", "to see", "--least", "50")


@pytest.fixture
def ready(mine: Path, noria: Noria) -> Path:
    """Version 1 is champion and answers everybody."""
    assert noria("model", "promote", "loans@1").code == 0
    return mine


def test_a_better_challenger_is_promoted_and_all_of_it_is_on_record(ready: Path, noria: Noria) -> None:
    made = noria(*START, "--json").data
    assert (made["id"], made["state"], made["says"]) == ("loans#1", "running", "go on")
    assert noria("route", "show", "loans", "--json").data[-1]["weights"] == {"1": 50, "2": 50}
    assert noria(*START).said.startswith("an experiment of this endpoint is under way (loans#1)")
    capture(ready, {1: 0.6, 2: 0.85}, 30)
    assert noria("experiment", "check", "loans", "--json").data["says"] == "go on"
    capture(ready, {1: 0.6, 2: 0.85}, 1500, "more")
    said = noria("experiment", "show", "loans")
    assert "promote: accuracy is better by" in said.out
    assert noria("model", "list", "--json").data[0]["aliases"] == ["champion"]  # to look changes nothing
    done = noria("experiment", "check", "loans", "--json").data
    assert (done["state"], done["verdict"], done["ended_by"]) == ("decided", "promote", "noria")
    assert noria("route", "show", "loans", "--json").data[-1]["weights"] == {"2": 100}
    assert noria("experiment", "check", "loans").said.startswith("no experiment of loans is under way")
    actions = [one["action"] for one in noria("audit", "show", "--json").data]
    assert [word for word in actions if word.startswith("experiment")] == ["experiment start", "experiment promote"]
    assert noria("audit", "verify").code == 0
    assert "loans#1" in noria("experiment", "list").out


def test_harm_stops_at_once_even_where_a_person_has_the_last_word(ready: Path, noria: Noria) -> None:
    guard = ("--guard", "brier=0.02", "--approval", "person", "--shortest", "7d")
    assert noria(*START, *guard).code == 0
    capture(ready, {1: 0.9, 2: 0.5}, 1500)
    done = noria("experiment", "check", "loans", "--json").data
    assert (done["state"], done["verdict"]) == ("decided", "stop")
    assert "brier is worse" in done["why"]
    assert noria("route", "show", "loans", "--json").data[-1]["weights"] == {"1": 100}


def test_a_person_has_the_last_word(ready: Path, noria: Noria) -> None:
    assert noria(*START, "--approval", "person").code == 0
    capture(ready, {1: 0.6, 2: 0.85}, 1500)
    assert noria("experiment", "check", "loans", "--json").data["state"] == "proposed"
    assert noria("experiment", "check", "loans", "--json").data["state"] == "proposed"
    assert noria("route", "show", "loans", "--json").data[-1]["weights"] == {"1": 50, "2": 50}
    done = noria("experiment", "decide", "loans", "promote", "--reason", "agreed", "--json").data
    assert (done["state"], done["verdict"], done["ended_by"], done["why"]) == ("decided", "promote", "tester", "agreed")
    assert noria("route", "show", "loans", "--json").data[-1]["weights"] == {"2": 100}


def test_traffic_that_is_not_divided_as_it_should_be_ends_it(ready: Path, noria: Noria) -> None:
    assert noria(*START).code == 0
    capture(ready, {1: 0.6, 2: 0.9}, 1000, champions=700)
    done = noria("experiment", "check", "loans", "--json").data
    assert done["verdict"] == "stop"
    assert "not divided as the route says" in done["why"]


def test_a_route_that_somebody_changes_ends_it_and_stays(ready: Path, noria: Noria) -> None:
    assert noria(*START).code == 0
    assert noria("route", "set", "loans", "1=70", "2=30").code == 0
    done = noria("experiment", "check", "loans", "--json").data
    assert (done["state"], done["verdict"]) == ("stopped", "stop")
    assert "the route was changed by" in done["why"]
    assert noria("route", "show", "loans", "--json").data[-1]["weights"] == {"1": 70, "2": 30}


def test_it_can_be_stopped_by_hand(ready: Path, noria: Noria) -> None:
    assert noria(*START).code == 0
    assert noria("experiment", "stop", "loans", "--reason", "holidays", "--json").data["state"] == "stopped"
    assert noria("route", "show", "loans", "--json").data[-1]["weights"] == {"1": 100}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["start", "loans", "--challenger", "1"], "loans@1 is the champion"),
        (["start", "loans", "--challenger", "9"], "no version 9 of model loans"),
        (["start", "loans", "--challenger", "two"], "'two' is no version (--challenger)"),
        (["start", "loans", "--challenger", "2", "--metric", "roc_auc"], "'roc_auc' is no metric of an experiment"),
        (["start", "loans", "--challenger", "2", "--metric", "rating"], "which difference of rating matters?"),
        (["start", "loans", "--challenger", "2", "--guard", "brier"], "'brier' is no guard"),
        (["start", "loans", "--challenger", "2", "--approval", "board"], "no approval 'board'"),
        (["start", "loans", "--challenger", "2", "--longest", "soon"], "'soon' is no length of time (--longest)"),
        (["start", "loan", "--challenger", "2"], "no endpoint loan (routes). Did you mean loans?"),
        (["decide", "loans", "abandon", "--reason", "x"], "cannot 'abandon' an experiment"),
        (["stop", "loans"], "no experiment of loans is under way"),
        (["show", "loans"], "loans never had an experiment"),
        (["show", "loans", "7"], "no experiment loans#7"),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_sentence(ready: Path, noria: Noria, words: list[str], said: str) -> None:
    ended = noria("experiment", *words)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.said


def test_the_watch_looks_at_it_ends_it_and_says_so(ready: Path, noria: Noria, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("NORIA_")]:
        monkeypatch.delenv(name)

    def watched() -> list[dict[str, Any]]:
        return [json.loads(line) for line in noria("watch", "lifecycle.py", "--once", "--json").out.splitlines()]

    assert noria(*START).code == 0
    capture(ready, {1: 0.6, 2: 0.85}, 30)
    events = watched()
    assert [one for one in events if one["event"] in ("experiment", "turn")] == []  # all others' turns wait
    capture(ready, {1: 0.6, 2: 0.85}, 1500, "more")
    [said] = [one for one in watched() if one["event"] == "experiment"]
    assert (said["experiment"], said["verdict"]) == ("loans#1", "promote")
    assert "accuracy is better by" in said["why"]
    assert noria("route", "show", "loans", "--json").data[-1]["weights"] == {"2": 100}
