"""Times that cannot be: in the future, or far before all others; and holes between them."""

import math
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise

from noria.data.column import Column
from noria.data.profile import Profile
from noria.data.schema import Schema
from noria.validate.report import Anomaly

SLACK = timedelta(days=1)  # a source may be ahead by its time zone
DO = "Correct the source's clock, time zone or date format."
DAYS = 20  # with rows, below which nothing is known of the holes between them
LONGER = 3  # times as long as the longest hole before
SHORTEST = 6  # days: a week without rows is a hole
CHANCE = 0.001
EPOCH = date(1970, 1, 1)


def times(before: Profile | None, fresh: Profile, schema: Schema, now: datetime) -> Iterator[Anomaly]:
    """Times after ``now``, times earlier than the baseline's first by more than all of its span, and holes.

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
        if old is None or not old.bins or old.last is None:
            if name == schema.time:
                yield from _future(name, column, limit)
            continue
        impossible = [] if old.last > limit else [*_future(name, column, limit)]
        impossible += _past(name, old, column)
        yield from impossible
        if name == schema.time and not impossible:
            yield from _gap(name, old, column)


def _future(name: str, new: Column, limit: str) -> Iterator[Anomaly]:
    if str(new.last) > limit:
        yield Anomaly("future", name, f"times up to {str(new.last)[:19]}, in the future", DO, {"last": new.last})


def _past(name: str, old: Column, new: Column) -> Iterator[Anomaly]:
    if min(new.bins) < 2 * min(old.bins) - max(old.bins) - SLACK.days:
        what = f"times from {str(new.first)[:19]}, before from {str(old.first)[:19]}"
        yield Anomaly("past", name, what, DO, {"first": new.first})


def _gap(name: str, old: Column, new: Column) -> Iterator[Anomaly]:
    """A hole that the new rows have or leave, much longer than there was one and than so many rows leave by chance."""
    days = sorted({*old.bins, *new.bins})
    holes = [(after - here - 1, here, after) for here, after in pairwise(days) if after in new.bins]
    length, last, first = max(holes, default=(0, 0, 0))
    if len(old.bins) < DAYS or length <= LONGER * old.gap + SHORTEST:
        return
    span = max(new.bins) - min(min(new.bins), last) + 1
    if new.present * math.exp(-length * new.present / span) < CHANCE:
        begin, end = (EPOCH + timedelta(days=day) for day in (last + 1, first - 1))
        what = f"no rows for {length} days, from {begin} to {end}; the longest before was {old.gap}"
        do = "See whether a delivery is missing, and collect it first."
        yield Anomaly("gap", name, what, do, {"days": length, "from": str(begin), "to": str(end), "before": old.gap})
