"""Times in the future, and long ago."""

from datetime import datetime, timedelta

import polars as pl

from noria.data.profile import Profile, profile
from noria.data.schema import Schema
from noria.validate.times import times

SCHEMA = Schema(label="paid", time="at")
NOW = datetime(2025, 6, 1, 12)


def days(first: datetime, count: int = 90, **more: datetime) -> Profile:
    at = [first + timedelta(days=n) for n in range(count)]
    rows = pl.DataFrame({"at": at, "paid": "yes"})
    return profile(rows.with_columns(**{name: pl.lit(value) for name, value in more.items()}), SCHEMA)


def found(before: Profile | None, fresh: Profile) -> list[tuple[str, str]]:
    return [(one.column, one.what) for one in times(before, fresh, SCHEMA, NOW)]


OLD = days(datetime(2024, 12, 1), due=datetime(2026, 1, 1), seen=datetime(2025, 1, 1))


def test_the_next_quarter_is_no_news_and_neither_is_a_due_date_in_the_future() -> None:
    assert found(OLD, days(datetime(2025, 3, 1), due=datetime(2026, 9, 1), seen=datetime(2025, 6, 2))) == []


def test_an_event_in_the_future_is_found_without_a_baseline_too() -> None:
    want = [("at", "times up to 2026-01-31 00:00:00, in the future")]
    assert found(None, days(datetime(2025, 11, 3))) == want
    assert found(OLD, days(datetime(2025, 11, 3))) == want


def test_another_column_is_in_the_future_only_if_it_never_was() -> None:
    assert [name for name, _ in found(OLD, days(datetime(2025, 3, 1), seen=datetime(2026, 1, 1)))] == ["seen"]
    assert found(None, days(datetime(2025, 3, 1), seen=datetime(2026, 1, 1))) == []


def test_times_long_before_all_others_are_found() -> None:
    assert found(OLD, days(datetime(2024, 10, 1))) == []
    assert [name for name, _ in found(OLD, days(datetime(1970, 1, 1)))] == ["at"]


def test_a_hole_much_longer_than_before_is_found_and_a_weekend_or_a_month_of_few_rows_is_not() -> None:
    def gaps(fresh: Profile) -> list[str]:
        return [one.what for one in times(OLD, fresh, SCHEMA, NOW) if one.rule == "gap"]

    assert gaps(days(datetime(2025, 3, 4), 60)) == []  # OLD ends on 28 February
    assert gaps(days(datetime(2025, 3, 25), 60)) == [
        "no rows for 24 days, from 2025-03-01 to 2025-03-24; the longest before was 0"
    ]
    inside = pl.DataFrame({"at": [datetime(2025, 3, 1), datetime(2025, 4, 20)] * 20, "paid": "yes"})
    assert len(gaps(profile(inside, SCHEMA))) == 1
    assert gaps(profile(inside[:3], SCHEMA)) == []  # so few rows leave such holes by chance
    assert list(times(None, days(datetime(2025, 3, 25), 60), SCHEMA, NOW)) == []
