"""What a row means: declared once, checked at once."""

from typing import Any

import pytest

from noria.data.schema import Schema
from noria.errors import BadLifecycle


@pytest.mark.parametrize(
    "wrong",
    [
        {"task": "clustering"},
        {"shares": (0.5, 0.5)},
        {"shares": (0.7, 0.2, 0.2)},
        {"shares": (1.0, 0.1, -0.1)},
        {"protected": "sex"},
        {"drop": "sex"},
    ],
)
def test_an_impossible_schema_is_refused_with_the_way_out(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadLifecycle) as caught:
        Schema(label="y", **wrong)
    assert caught.value.where == "Schema"
    assert caught.value.do


def test_label_subject_time_and_what_is_dropped_are_never_features() -> None:
    schema = Schema(label="y", subject="who", time="at", protected=["sex"], drop=["note"])
    assert schema.hidden() == {"y", "who", "at", "note"}
    assert Schema(label="y").hidden() == {"y"}
