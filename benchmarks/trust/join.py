"""Joining a million predictions with their labels, beside reading both tables alone; and measuring them."""

import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.measure import Line, Peer, Target, in_turns, timed
from noria.data import captured, table
from noria.feedback.performance import measure
from noria.settings import Settings

ROWS, SHARE, BATCHES = 1_000_000, 0.9, 20
COLUMNS = ("id", "at", "version", "variant", "outputs")
TURNS = 5


def lines() -> list[Line]:
    with tempfile.TemporaryDirectory(prefix="noria-join-") as folder:
        where = Settings(home=Path(folder), db="", artifacts="")
        _fill(where)
        kinds = ("predictions", "feedback")
        took = in_turns(
            {
                "join": lambda: timed(lambda: captured.joined(where, "loans", COLUMNS)),
                "read": lambda: timed(lambda: [table.whole(captured.path(where, "loans", k)).collect() for k in kinds]),
            },
            TURNS,
        )
        joined = captured.joined(where, "loans", COLUMNS)
        measured = in_turns({"measure": lambda: timed(lambda: measure(joined, "classification"))}, TURNS)
    return [
        Line("join 1,000,000 predictions with labels", "s", took["join"], [Peer("reading both alone", took["read"])],
             Target(2.0)),
        Line("measure them: 9 metrics with intervals", "s", measured["measure"]),
    ]  # fmt: skip


def _fill(where: Settings) -> None:
    random = np.random.default_rng(0)
    p = random.beta(2, 3, ROWS).round(7)
    numbers = pl.DataFrame({"n": np.arange(ROWS), "p": p, "u": random.uniform(size=ROWS)})
    id = pl.format("0190a5c2-{}-7000-8000-000000000000", pl.col("n").cast(pl.String).str.zfill(8))
    label = pl.when(pl.col("u") < pl.col("p")).then(pl.lit("yes")).otherwise(pl.lit("no"))
    answer = pl.when(pl.col("p") > 0.5).then(pl.lit("yes")).otherwise(pl.lit("no"))
    outputs = pl.concat_str(
        pl.lit('{"label":"'), answer, pl.lit('","probabilities":{"no":'), (1 - pl.col("p")).round(7),
        pl.lit(',"yes":'), "p", pl.lit("}}"),
    )  # fmt: skip
    at = pl.lit("2026-01-05T10:00:00.000000+00:00")
    given = numbers.select(
        id=id, at=at, endpoint=pl.lit("loans"), version=1 + pl.col("n") % 2, release=pl.lit("r"),
        variant=pl.lit("champion"), subject=pl.col("n").hash().cast(pl.String), inputs=pl.lit('{"age":40}'),
        outputs=outputs,
    )  # fmt: skip
    told = numbers.sample(fraction=SHARE, shuffle=True, seed=1).select(
        prediction=id, at=at, label=label, rating=pl.lit(None, pl.Float64), source=pl.lit("api")
    )
    for kind, rows in (("predictions", given), ("feedback", told)):
        for number, part in enumerate(rows.iter_slices(-(-rows.height // BATCHES))):
            table.append(captured.path(where, "loans", kind), str(number), part)
