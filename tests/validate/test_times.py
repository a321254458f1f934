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
