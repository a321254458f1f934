"""What a person wants to know of a step, in one line; without any library, because a glance shows it too."""

from collections.abc import Callable, Mapping
from typing import Any


def summary(step: str, facts: Mapping[str, Any] | None) -> str:
    """What a person wants to know of a step, in one line."""
    told = SUMMARY.get(step)
    return told(dict(facts)) if told and facts else ""


def _metric(metrics: Mapping[str, float]) -> str:
    name, value = next(iter(metrics.items()))
    return f"{name} {value:.3f}"


def _shares(found: Mapping[str, float]) -> str:
    return ", ".join(f"{label} {share:.0%}" for label, share in list(found.items())[:4])


def _params(found: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in found.items()
    )


SUMMARY: Mapping[str, Callable[[dict[str, Any]], str]] = {
    "collect": lambda f: (
        f"version {f['version']}, {f['rows']:,} rows, {len(f['new'])} of {len(f['batches'])} batches new"
    ),
    "validate": lambda f: (
        f"{f['verdict']}, {f['anomalies']} anomalies, labels {_shares(f['labels'])}"
        + (f", remedy {f['remedy']}" if f["remedy"] else "")
    ),
    "preprocess": lambda f: ", ".join(f"{n:,} {split}" for split, n in f["rows"].items()),
    "tune": lambda f: f"{f['trials']} trials, {f['metric']} {f['value']:.3f} with {_params(f['params'])}",
    "train": lambda f: f"{f['format']}, {_metric(f['metrics'])} on validation",
    "analyze": lambda f: f"{_metric(f['metrics'])} on data never seen",
    "release": lambda f: f["decision"] + (f": version {f['number']}" if f["number"] else ""),
    "deploy": lambda f: "traffic " + ", ".join(f"{w} % to version {v}" for v, w in f["weights"].items()),
    "feedback": lambda f: f"{f['joined']} predictions with a label, {f['unlabelled']} without",
}
