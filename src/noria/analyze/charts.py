"""Drawings of the analysis."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from noria.report.charts import calibration, importance, intervals

__all__ = ["calibration", "importance", "rates"]


def rates(groups: Sequence[dict[str, Any]], rate: str) -> alt.LayerChart | None:
    """One rate of each group as a dot with its interval; None if no group has one."""
    known = [{"name": g["group"], **g["rates"][rate]} for g in groups if g["rates"][rate]["low"] is not None]
    return intervals(known) if known else None
