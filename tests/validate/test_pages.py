"""The page that a person reads: what moved first, old against new, and no more charts than are looked at."""

import re
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from noria.data.profile import Profile, profile
from noria.data.schema import Schema
from noria.validate import charts, pages
from noria.validate.compare import compare
from noria.validate.config import Validate
from noria.validate.findings import Fresh, findings
from noria.validate.report import judge

SCHEMA = Schema(label="paid")


def rows(seed: int, moved: float, wide: int) -> Profile:
    random = np.random.default_rng(seed)
    numbers = {f"x{n:02d}": random.normal(moved if n == 30 else 0.0, 1, 500) for n in range(wide)}
    kinds = {"<b>": random.choice([f"kind {n}" for n in range(30)], 500), "paid": random.choice(["no", "yes"], 500)}
    return profile(pl.DataFrame({**numbers, **kinds}), SCHEMA)


def test_a_wide_table_shows_what_moved_first_and_few_charts() -> None:
    old, new = rows(0, 0.0, 60), rows(1, 3.0, 60)
    verdict = judge(findings(Fresh(new, datetime(2026, 1, 1)), old, SCHEMA, Validate()), None)
    held = compare(old, new, SCHEMA)
    page = pages.report("Validation of loans@2", verdict, new, old, held).decode()
    heads = re.findall(r"<h2>(.*?)</h2>", page)
    assert heads[:3] == ["Findings, gravest first", "Label", "x30"]
    assert len(heads) == 2 + pages.MOST + 1
    assert page.count("<svg") == 1 + pages.MOST
    assert "<b>" not in page
    assert "standard deviations" in page
    first = pages.report("Validation of loans@1", verdict, old, None).decode()
    assert first.count("<svg") == 1


def test_each_kind_of_column_is_drawn_with_the_shares_of_both_sides() -> None:
    days = [datetime(2025, 1, 1) + timedelta(days=n) for n in range(100)]
    frame = pl.DataFrame(
        {"at": days, "n": range(100), "k": [f"k{n % 30}" for n in range(100)], "b": [True, False] * 50}
    )
    one = profile(frame, SCHEMA)
    for name, column in one.columns.items():
        drawn = charts.column(column, column)
        assert drawn is not None, name
        drawn_rows = drawn.to_dict()["data"]["values"]
        if name in ("k", "b"):
            for side in charts.SIDES:
                assert abs(sum(row["share"] for row in drawn_rows if row["side"] == side) - 1) < 1e-9
        else:
            shares = [row["share"] for row in drawn_rows if row["side"] == "new"]
            assert abs(sum(shares[:-1]) - 1) < 1e-9  # the last point closes the last cell
    texts = profile(pl.DataFrame({"t": [f"text {n}" for n in range(2000)]}), SCHEMA).columns["t"]
    assert charts.column(one.columns["n"], one.columns["k"]) is None
    assert charts.column(texts, one.columns["n"]) is None
