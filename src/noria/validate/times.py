"""Times that cannot be: in the future, or far before all others."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from noria.data.profile import Profile
from noria.data.schema import Schema
from noria.validate.report import Anomaly

SLACK = timedelta(days=1)  # a source may be ahead by its time zone
DO = "Correct the source's clock, time zone or date format."


def times(before: Profile | None, fresh: Profile, schema: Schema, now: datetime) -> Iterator[Anomaly]:
    """Times after ``now``, and times earlier than the baseline's first by more than all of its span.

    In columns other than the schema's time, times in the future are an anomaly only if there were none before: a due
    date may be in the future.

    Parameters
    ----------
    now
        When the new rows arrived, UTC.
    """
    limit = (now + SLACK).strftime("%Y-%m-%d %H:%M:%S")
    for name, column in fresh.columns.items():
        if column.kind != "time" or column.last is None or not column.bins:
            continue
        old = before.columns.get(name) if before else None
        known = old is not None and bool(old.bins) and old.last is not None
        usual = known and old is not None and str(old.last) > limit
        if column.last > limit and not usual and (known or name == schema.time):
            yield Anomaly(name, f"times up to {column.last[:19]}, in the future", "warn", DO, {"last": column.last})
        if known and old is not None and min(column.bins) < 2 * min(old.bins) - max(old.bins) - SLACK.days:
            yield Anomaly(
                name, f"times from {str(column.first)[:19]}, before from {str(old.first)[:19]}", "warn", DO,
                {"first": column.first},
            )  # fmt: skip
