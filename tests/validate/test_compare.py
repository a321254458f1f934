"""Any two sets of rows, as plain data, worst first."""

import json

import polars as pl
import pytest

from noria.data.profile import profile
from noria.data.schema import Schema
from noria.validate.compare import compare

SCHEMA = Schema(label="paid")
OLD = pl.DataFrame(
    {
        "age": [20.0 + n % 50 for n in range(300)],
        "job": ["clerk", "nurse", "smith"] * 100,
        "code": range(300),
        "gone": "x",
        "paid": ["yes", "no", "no"] * 100,
    }
)
NEW = OLD.drop("gone").with_columns(
    age=pl.col("age") * 2, code=pl.col("code").cast(pl.String), fresh=pl.lit(1), paid=pl.lit("yes")
)


def test_the_comparison_says_what_changed_worst_first_and_is_plain_data() -> None:
    found = compare(profile(OLD, SCHEMA), profile(NEW, SCHEMA), SCHEMA)
    assert json.loads(json.dumps(found)) == found
    assert found["rows"] == [300, 300]
    assert [(one["column"], one["status"]) for one in found["columns"]] == [
        ("gone", "absent"),
        ("code", "type"),
        ("age", "moved"),
        ("paid", "moved"),
        ("fresh", "new"),
        ("job", "same"),
    ]
    age = found["columns"][2]
    assert (age["before"]["mean"], age["after"]["mean"]) == pytest.approx((44.5, 89))
    assert age["after"]["quantiles"]["0.5"] == pytest.approx(88, rel=0.01)
    assert found["columns"][5]["after"]["values"] == pytest.approx({"clerk": 1 / 3, "nurse": 1 / 3, "smith": 1 / 3})
    worst = found["labels"][0]
    assert (worst["label"], worst["change"]) == ("no", pytest.approx(-2 / 3))
    assert worst["low"] < -2 / 3 < worst["high"] < -0.5


def test_a_profile_compared_with_itself_has_not_changed() -> None:
    one = profile(OLD, SCHEMA)
    found = compare(one, one, SCHEMA)
    assert {each["status"] for each in found["columns"]} == {"same"}
    assert [each["change"] for each in found["labels"]] == [0, 0]
