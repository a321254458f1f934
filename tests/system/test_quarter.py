"""A quarter in minutes: weekly waves of real data, a drift, late labels, an A/B, an erasure, a bad release rolled back.

At the end a trace, the erasure's byte scan, the log of decisions and the loop report are held against what was done.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from governance.test_erase import places
from noria import settings
from noria.client import Answer, Client
from noria.data.captured import joined
from noria.demo import waves
from noria.run.place import Place, open_place
from noria.store import audit, registry, runs
from serve.live import Live, until

WEEKS, ROWS, ASKED = 6, 900, 120
DRIFTS = 3  # from this week on, callers' hours are in minutes
TRADE = "zymurgist"  # of nobody but the person who is erased
LIFECYCLE = """
from sklearn.linear_model import LogisticRegression

import noria as nr

income = nr.Lifecycle(
    "income",
    collect="inbox/*.parquet",
    schema=nr.Schema(label="income", subject="person", protected=["sex"], positive=">50K", drop=[]),
    validate=nr.Validate(label_shift=0.15),
    tune=nr.Tune({"C": nr.choice(1.0)}, sampler="grid", metric="roc_auc"),
    analyze=nr.Analyze(slices=[], sensitivity=0.01),
    release=nr.Release(gates=[nr.at_least("roc_auc", 0.5)]),
    serve=nr.Serve(champion=100, challenger=0),
    feedback=nr.Feedback(retrain=nr.when_drift(columns=1), turns=50),
)


@income.train
def model(params):
    return LogisticRegression(C=params["C"], max_iter=200)
"""


def noria(folder: Path, *words: str, code: int = 0) -> Any:
    """A command line, run to its end; what it printed, line by line as JSON where it is."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("NORIA_")}
    done = subprocess.run(
        [sys.executable, "-m", "noria.cli.main", *words], cwd=folder, env={**environ, "NORIA_ACTOR": "ada"},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def watched(folder: Path) -> list[dict[str, Any]]:
    """One look of the watch: its events."""
    lines = noria(folder, "watch", "lifecycle.py", "--once", "--json").splitlines()
    return [json.loads(line) for line in lines]


def ask(live: Live, rows: pl.DataFrame) -> list[Answer]:
    with Client(live.url) as client:
        return [
            client.predict("income", [{k: v for k, v in row.items() if k != "income"}], subject=row["person"])[0]
            for row in rows.to_dicts()
        ]


def tell(live: Live, answers: list[Answer], rows: pl.DataFrame) -> None:
    with Client(live.url) as client:
        for answer, label in zip(answers, rows["income"], strict=True):
            client.feedback(answer.id, label=label, rating=4.0, source="api")


def flushed(place: Place, predictions: int, labels: int) -> None:
    def there() -> bool:
        rows = joined(place.settings, "income", ["id"])
        return rows.height >= predictions and rows["label"].drop_nulls().len() >= labels

    until(there, f"{predictions} predictions and {labels} labels")


@pytest.mark.system
@pytest.mark.timeout(900)
def test_a_quarter(tmp_path: Path) -> None:
    folder = tmp_path / "income"
    (folder / "inbox").mkdir(parents=True)
    (folder / "lifecycle.py").write_text(LIFECYCLE)
    people = waves.people()
    asked = people[20_000:]
    place = open_place(settings.load(folder, environ={"NORIA_ACTOR": "ada"}))
    people[:3000].write_parquet(folder / "inbox" / "week-0.parquet")
    assert "new: inbox/week-0.parquet" in next(one for one in watched(folder) if one["event"] == "turn")["why"]

    with Live(folder) as live:
        total, late, drifted = 0, [], []
        for week in range(1, WEEKS + 1):
            wave = asked[week * ASKED : (week + 1) * ASKED]
            sent = wave.with_columns(
                pl.col("hours_per_week") * (60 if week >= DRIFTS else 1),
                pl.when(pl.col("person") == asked["person"][WEEKS * ASKED])
                .then(pl.lit(TRADE)).otherwise(pl.col("occupation").cast(pl.String)).alias("occupation"),
            )  # fmt: skip
            answers = ask(live, sent)
            total += len(answers)
            for earlier in late:  # labels come a week later
                tell(live, *earlier)
            late = [(answers, wave)]
            flushed(place, total, total - ASKED)
            if week in (2, WEEKS):
                start = 3000 + week * ROWS
                people[start : start + ROWS].write_parquet(folder / "inbox" / f"week-{week}.parquet")
            drifted += [one for one in watched(folder) if one["event"] == "turn" and one["trigger"] == "drift"]
        assert drifted
        assert "hours_per_week" in drifted[0]["why"]
        _experiment(folder, place, live, asked[4000:])
        _bad_release(folder, place)
        subject = wave["person"][0]
        assert captured_of(place, TRADE) == 1
        noria(folder, "erase", subject, "--reason", "asked for it", "--models", "accept", "--json")
        assert live.stop() == 0

    _checked(folder, place, answers[5], subject)


def captured_of(place: Place, text: str) -> int:
    """How many answers were captured whose inputs hold a text."""
    return joined(place.settings, "income").filter(pl.col("inputs").str.contains(text, literal=True)).height


def _experiment(folder: Path, place: Place, live: Live, people: pl.DataFrame) -> None:
    """The version before against the champion: the same kind of model, so there is nothing to promote."""
    with place.store.read() as c:
        champion = registry.aliases(c, "income")["champion"]
    words = ["experiment", "start", "income", "--challenger", str(champion - 1), "--least", "30", "--effect", "0.05"]
    noria(folder, *words, "--reason", "is the old one as good?")
    wanted = {str(champion): 50, str(champion - 1): 50}
    until(lambda: {str(one.version) for one in ask(live, people.head(8))} == set(wanted), "the route to be followed")
    rows = people[10:310]
    tell(live, ask(live, rows), rows)
    until(
        lambda: json.loads(noria(folder, "experiment", "show", "income", "--json"))["evidence"]["known"][0] > 60,
        "the truth to arrive",
    )
    shown = json.loads(noria(folder, "experiment", "check", "income", "--json"))
    assert min(shown["evidence"]["known"]) > 60
    assert shown["evidence"]["mismatch"] > 0.001
    if shown["state"] == "running":
        noria(folder, "experiment", "stop", "income", "--reason", "the quarter ends")


def _bad_release(folder: Path, place: Place) -> None:
    """Somebody promotes the first version by mistake, and it is rolled back."""
    with place.store.read() as c:
        champion = registry.aliases(c, "income")["champion"]
    noria(folder, "model", "promote", "income@1", "--reason", "a mistake")
    noria(folder, "model", "rollback", "income", "--reason", "it was worse")
    with place.store.read() as c:
        assert registry.aliases(c, "income")["champion"] == champion


def _checked(folder: Path, place: Place, answer: Answer, subject: str) -> None:
    graph = noria(folder, "trace", "prediction", answer.id, "--json")
    for node in (f"prediction:{answer.id}", f"model_version:income@{answer.version}", "source:inbox/week-0.parquet"):
        assert node in graph
    assert places(folder / ".noria", [subject.encode(), TRADE.encode()]) == []
    noria(folder, "audit", "verify")
    with place.store.read() as c:
        words = [one.action for one in audit.entries(c)]
        turned = runs.newest(c, "income", 50)
    for word in ("experiment start", "erase", "alias champion", "route"):
        assert word in words
    assert {"new data", "drift"} <= {run.trigger for run in turned}
    [report] = json.loads(noria(folder, "report", "income", "--json"))
    assert report["loop"]["rolled_back"]["versions_rolled_back"]
    assert report["loop"]["time_to_restore"]["count"] >= 1
    assert report["loop"]["lead_time"]["count"] >= 1
    place.store.close()
