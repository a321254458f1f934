"""Profiles of format 1: sums of squares instead of spreads, bins by the logarithm, no sample of the values."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from noria.data import sketch

GAMMA = 1.01 / 0.99


def column(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A column of format 1 in the present one, as it is kept in JSON; its quantiles are off by up to 2 %."""
    found = {name: value for name, value in raw.items() if name != "squares"}
    count = sum(raw["bins"].values())
    found["spread"] = max(0.0, raw["squares"] - raw["total"] ** 2 / count) if count else 0.0
    values = np.array([_value(key) for key in raw["bins"]], dtype=np.float64)
    found["bins"] = sketch.bins(values, np.array(list(raw["bins"].values()), dtype=np.int64))
    return {**found, "sample": {}}


def _value(key: str) -> float:
    if key == "0":
        return 0.0
    middle = float(2 * GAMMA ** int(key[1:]) / (GAMMA + 1))
    return middle if key[0] == "+" else -middle
