"""What a calendar says of a date."""

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import noria as nr
from noria.model.frame import columns_of, fields_of
from noria.model.sklearn import to_frame

TIMES = st.lists(st.datetimes(datetime(1700, 1, 1), datetime(2500, 1, 1)), min_size=1, max_size=8)
ALL = ["year", "quarter", "month", "day", "dayofyear", "weekday", "weekend", "hour", "minute"]
CIRCLES = ["quarter", "month", "day", "dayofyear", "weekday", "hour", "minute"]


def column(cells: list[object]) -> pd.DataFrame:
    return pd.DataFrame({"at": pd.Series(cells, dtype=object)})


@given(TIMES)
def test_the_parts_are_those_of_pythons_calendar(times: list[datetime]) -> None:
    found = nr.Dates(ALL, cyclic=[]).fit_transform(column([str(time) for time in times]))
    for time, row in zip(times, found, strict=True):
        *_, day, _ = time.timetuple()
        assert row[:-1].tolist() == [
            time.year, (time.month + 2) // 3, time.month, time.day, day, time.weekday(), time.weekday() >= 5,
            time.hour, time.minute,
        ]  # fmt: skip
        assert row[-1] == pytest.approx((time - min(times)) / timedelta(days=1), rel=1e-6, abs=1e-6)


@given(TIMES)
def test_parts_on_a_circle_lie_on_it(times: list[datetime]) -> None:
    found = nr.Dates([], cyclic=CIRCLES, elapsed=False).fit_transform(column(list(times)))
    assert found.shape == (len(times), 14)
    assert found[:, ::2] ** 2 + found[:, 1::2] ** 2 == pytest.approx(1, abs=1e-5)


def test_december_is_beside_january_and_opposite_to_june() -> None:
    months = nr.Dates([], cyclic=["month"], elapsed=False).fit_transform(
        column(["2024-12-01", "2024-01-01", "2024-06-01"])
    )
    away = np.linalg.norm(months - months[0], axis=1)
    assert away[1] == pytest.approx(2 * np.sin(np.pi / 12), abs=1e-6)
    assert away[2] == pytest.approx(2, abs=1e-6)


def test_dates_times_texts_and_days_since_1970_are_the_same_moment() -> None:
    noon = datetime(2024, 2, 29, 12, tzinfo=UTC)
    same = [
        noon, noon.astimezone(timezone(timedelta(hours=5))), "2024-02-29T12:00:00Z", "2024-02-29 14:00:00+02:00",
        "2024-02-29 12:00:00.000000", pd.Timestamp(noon), np.datetime64("2024-02-29T12:00"), 19782.5,
    ]  # fmt: skip
    found = nr.Dates(["day", "hour"]).fit_transform(column([*same, date(2024, 2, 28)]))
    assert (found[:-1] == found[0]).all()
    assert found[0, [0, 1, -1]].tolist() == [29, 12, 1.5]
    assert found[-1, [0, 1, -1]].tolist() == [28, 0, 0]


def test_what_is_no_date_is_nan_and_days_count_from_the_training_rows() -> None:
    fitted = nr.Dates(["year"], cyclic=[]).fit(column(["2024-01-10", None]))
    found = fitted.transform(column(["2024-01-05", "soon", "missing", "2024-13-45", 1e300]))
    assert found[0].tolist() == [2024, -5]
    assert np.isnan(found[1:]).all()


def test_a_format_of_the_users_is_read() -> None:
    found = nr.Dates(["month"], cyclic=[], format="%d/%m/%Y").fit_transform(column(["02/01/2024", "01/02/2024"]))
    assert found.tolist() == [[1, 0], [2, 30]]


@pytest.mark.parametrize("kind", ["datetime64[s]", "datetime64[us]", "datetime64[ns]", "datetime64[ns, UTC]", object])
def test_columns_of_times_in_a_pandas_frame_are_times(kind: str) -> None:
    times = pd.to_datetime(pd.Series(["2024-03-09 06:00", None]), utc=kind == "datetime64[ns, UTC]").astype(kind)
    for frame in (times.to_frame("at"), times.to_frame("at").assign(other="2024-01-01")):
        found = nr.Dates(["day", "hour"], cyclic=[], elapsed=False).fit_transform(frame)
        assert found[0, :2].tolist() == [9, 6]
        assert np.isnan(found[1, :2]).all()


@pytest.mark.parametrize("kind", [pl.Date, pl.Datetime("us"), pl.Datetime("ms", "UTC"), pl.Datetime("ns")], ids=str)
def test_date_columns_of_a_data_set_arrive_as_dates(kind: pl.DataType) -> None:
    frame = pl.DataFrame({"at": pl.Series([datetime(2024, 3, 9), None]).cast(kind)})
    raw = to_frame(columns_of(frame, fields_of(frame, set())))
    found = nr.Dates(["year", "month", "day"], cyclic=[]).fit_transform(raw)
    assert found[0].tolist() == [2024, 3, 9, 0]
    assert np.isnan(found[1]).all()
