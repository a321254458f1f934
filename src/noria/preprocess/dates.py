"""Dates and times as what a calendar says of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from noria.preprocess.cells import Columnwise, text_of

DAY = 86_400_000_000  # microseconds

PARTS: Mapping[str, Callable[[pd.DatetimeIndex], Any]] = {
    "year": lambda at: at.year,
    "quarter": lambda at: at.quarter,
    "month": lambda at: at.month,
    "day": lambda at: at.day,
    "dayofyear": lambda at: at.day_of_year,
    "weekday": lambda at: at.day_of_week,  # Monday is 0
    "weekend": lambda at: at.day_of_week >= 5,
    "hour": lambda at: at.hour,
    "minute": lambda at: at.minute,
}
PERIODS = {"quarter": (1, 4), "month": (1, 12), "day": (1, 31), "dayofyear": (1, 366), "weekday": (0, 7),
           "hour": (0, 24), "minute": (0, 60)}  # fmt: skip  # its first value, and how many there are


class Dates(Columnwise):
    """Calendar parts of dates, the same as places on a circle, and the days since the first training date.

    A cell is a date or time, a text of one (``2024-01-31``, ``2024-01-31T12:30:00+02:00``; times without a zone are
    UTC), or a number: days since 1970-01-01. What is missing or no date has NaN features: put an imputer behind.

    Parameters
    ----------
    parts
        Which calendar parts become features: year, quarter, month, day, dayofyear, weekday (Monday is 0), weekend,
        hour, minute.
    cyclic
        Parts that become two features each, sine and cosine, so that December is beside January.
    elapsed
        True: the days since the earliest training date, with fractions.
    format
        How texts are written, as in ``datetime.strptime``; None: as ISO 8601 says.

    Attributes
    ----------
    since_
        The earliest training date of each column, in days since 1970-01-01.

    Examples
    --------
    >>> Dates(["month", "day"], cyclic=[]).fit_transform([["2024-01-31"], ["2024-02-02"]])
    array([[ 1., 31.,  0.],
           [ 2.,  2.,  2.]], dtype=float32)
    """

    def __init__(
        self,
        parts: Sequence[str] = ("year", "month", "day", "weekday"),
        *,
        cyclic: Sequence[str] = ("month", "weekday"),
        elapsed: bool = True,
        format: str | None = None,
    ) -> None:
        self.parts = parts
        self.cyclic = cyclic
        self.elapsed = elapsed
        self.format = format

    def onnx_shape_calculator(self) -> Any:
        raise NotImplementedError("Dates has no ONNX: times are written in too many forms")

    def _check(self) -> None:
        for name, known in (("parts", PARTS), ("cyclic", PERIODS)):
            value = getattr(self, name)
            others = [value] if isinstance(value, str) else [one for one in value if one not in known]
            if others:
                raise ValueError(f"{name} has {others[0]!r}; it must be a list of some of {', '.join(known)}")
        if not self.parts and not self.cyclic and not self.elapsed:
            raise ValueError("no feature is asked for; name parts, cyclic parts or elapsed=True")

    def _learn(self, columns: Sequence[list[Any]], names: Sequence[str]) -> None:
        self.since_: list[float] = []
        for cells, name in zip(columns, names, strict=True):
            days = _days(self._times(cells))
            if np.isnan(days).all():
                raise ValueError(f"{name} holds no date in any training row; leave it out, or say its format")
            self.since_.append(float(np.nanmin(days)))

    def _block(self, cells: list[Any], place: int) -> Any:
        at = self._times(cells)
        unknown = np.asarray(at.isna())
        found = [np.asarray(PARTS[part](at), dtype=np.float64) for part in self.parts]
        for part in self.cyclic:
            first, count = PERIODS[part]
            angle = (np.asarray(PARTS[part](at), dtype=np.float64) - first) * (2 * np.pi / count)
            found += [np.sin(angle), np.cos(angle)]
        if self.elapsed:
            found.append(_days(at) - self.since_[place])
        block = np.stack(found, axis=1)
        block[unknown] = np.nan
        return block.astype(np.float32)

    def _parts(self, place: int) -> Iterable[object]:
        circles = [f"{part}_{side}" for part in self.cyclic for side in ("sin", "cos")]
        return [*self.parts, *circles, *(["elapsed"] if self.elapsed else [])]

    def _times(self, cells: list[Any]) -> pd.DatetimeIndex:
        """The moments that cells name, in UTC; NaT where they name none."""
        numbers = [isinstance(cell, int | float | np.number) and not isinstance(cell, bool) for cell in cells]
        days = np.array([cell if number else np.nan for cell, number in zip(cells, numbers, strict=True)], dtype=float)
        days[~(np.abs(days) < 50_000_000)] = np.nan  # what microseconds can count, with room to spare
        counted = np.where(np.isnan(days), 0, days * DAY).astype(np.int64).astype("datetime64[us]")
        counted[np.isnan(days)] = np.datetime64("NaT")
        if all(numbers):
            return pd.DatetimeIndex(counted).tz_localize("UTC")
        texts = [None if number else _iso(text_of(cell)) for cell, number in zip(cells, numbers, strict=True)]
        read = pd.to_datetime(
            pd.Series(texts, dtype=object), format=self.format or "ISO8601", errors="coerce", utc=True
        )
        found = pd.DatetimeIndex(read).as_unit("us")
        return found.where(~np.array(numbers), pd.DatetimeIndex(counted).tz_localize("UTC"))


def _days(at: pd.DatetimeIndex) -> Any:
    """Days since 1970-01-01, float64 with NaN; by hand, as pandas counts differences in nanoseconds, which overflow."""
    return np.where(at.isna(), np.nan, at.asi8 / DAY)


def _iso(text: str | None) -> str | None:
    """A text as ISO 8601 writes it: Polars spells the zone out."""
    return text.removesuffix(" UTC") if text else None
