"""How shadow versions answered beside those that answered: how often they agree, how far they differ."""

import json
from typing import Any

import numpy as np
import polars as pl

from noria.feedback.performance import measure


def compare(shadowed: pl.DataFrame, task: str) -> list[dict[str, Any]]:
    """For each shadow version what ``measure`` tells, and how its answers differ from those that were given.

    Parameters
    ----------
    shadowed
        What ``captured.shadowed`` gives.

    Returns
    -------
    list of dict
        ``agreement`` is the share of rows with the same label, None for regression; ``difference`` the mean absolute
        difference of the values, or of the probabilities over the classes that both know.
    """
    found = []
    for entry in measure(shadowed, task) if shadowed.height else []:
        rows = shadowed.filter(pl.col("version") == entry["version"])
        pairs = [(json.loads(ours), json.loads(theirs)) for ours, theirs in rows.select("outputs", "answered").rows()]
        same = (
            None if task == "regression" else float(np.mean([mine["label"] == given["label"] for mine, given in pairs]))
        )
        apart = float(np.mean([_apart(mine, given) for mine, given in pairs]))
        found.append({**entry, "shadow": True, "agreement": same, "difference": apart})
    return found


def _apart(mine: dict[str, Any], given: dict[str, Any]) -> float:
    if "value" in mine:
        return abs(float(mine["value"]) - float(given["value"]))
    ours, theirs = mine["probabilities"], given["probabilities"]
    return float(np.mean([abs(ours[name] - theirs[name]) for name in ours.keys() & theirs.keys()] or [1.0]))
