"""What was planted in the data is found by the whole wheel, and stops it."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import projects
from noria import settings
from noria.run.local import Turn, turn
from noria.run.place import open_place

LIFECYCLE = """
import noria as nr

loans = nr.Lifecycle(
    "loans",
    collect="inbox/*.csv",
    schema=nr.Schema(label="approved", subject="applicant", protected=["sex", "job"], positive="yes"),
    analyze=nr.Analyze(rounds=50),
    release=nr.Release(gates=[{gate}]),
)
"""
FAIR = 'nr.fair("demographic_parity_difference", max=0.4)'
NO_SLICE = 'nr.no_slice_worse("accuracy", by=0.2)'
SMITH_F = (pl.col("sex") == "f") & (pl.col("job") == "smith")


def run(folder: Path, rows: pl.DataFrame, gate: str) -> tuple[Turn, dict[str, Any]]:
    (folder / "inbox").mkdir(parents=True)
    rows.write_csv(folder / "inbox" / "1.csv")
    file = folder / "lifecycle.py"
    file.write_text(LIFECYCLE.format(gate=gate))
    place = open_place(settings.load(folder, environ={}))
    try:
        done = turn(place, file)
    finally:
        place.store.close()
    return done, {step.step: step.facts for step in done.steps}


def test_labels_of_one_intersection_flipped_are_found_and_block(tmp_path: Path) -> None:
    rows = projects.rows(3000)
    good, facts = run(tmp_path / "good", rows, FAIR)
    assert facts["release"]["decision"] == "released", facts["release"]["verdicts"]
    flipped = rows.with_columns(approved=pl.when(SMITH_F).then(pl.lit("no")).otherwise("approved"))
    bad, facts = run(tmp_path / "bad", flipped, FAIR)
    assert (good.run.state, bad.run.state) == ("done", "stopped")
    assert facts["release"]["decision"] == "refused"
    blocking = [one for one in facts["release"]["verdicts"] if one["verdict"] == "block"]
    assert [one["gate"] for one in blocking] == ["fair by sex & job: demographic_parity_difference"]
    assert "f & smith" in blocking[0]["evidence"]


def test_a_bad_slice_of_two_columns_is_found_though_nobody_named_it_and_blocks(tmp_path: Path) -> None:
    """Among smiths with the given name f the labels are drawn by lot: nobody can predict them."""
    rows = projects.rows(6000)
    lot = pl.Series(np.random.default_rng(0).choice(["yes", "no"], rows.height))
    steady = pl.when(pl.col("age") + 0.8 * (50 - pl.col("amount")) > 48).then(pl.lit("yes")).otherwise(pl.lit("no"))
    planted = rows.with_columns(approved=pl.when(SMITH_F).then(lot).otherwise(steady))
    _, facts = run(tmp_path, planted, NO_SLICE)
    assert facts["release"]["decision"] == "refused"
    assert any("found job & sex = smith & f" in one["evidence"] for one in facts["release"]["verdicts"])
