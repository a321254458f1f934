"""Turn again? A pure decision."""

from collections.abc import Mapping, Sequence
from typing import Any

from noria.feedback.config import When
from noria.stats.metrics import METRICS

FEWEST = 100  # labelled predictions below which a drop is not believed


def retrain(
    rule: When | None, performance: Sequence[Mapping[str, Any]], released: Mapping[int, Mapping[str, float]]
) -> str | None:
    """Why the wheel should turn again, or None.

    Parameters
    ----------
    performance
        Entries of ``measure``.
    released
        Metrics on the analysis split by version, as at release.
    """
    if rule is None:
        return None
    sign = 1.0 if METRICS[rule.metric].larger_is_better else -1.0
    for entry in performance:
        live, then = entry.get("metrics", {}).get(rule.metric), released.get(entry["version"], {}).get(rule.metric)
        if live is None or then is None or entry["labelled"] < FEWEST:
            continue
        if sign * (then - live) > rule.drops:
            return f"{rule.metric} of version {entry['version']} is {live:.3f} live and was {then:.3f} at release"
    return None
