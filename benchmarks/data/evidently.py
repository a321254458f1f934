"""Evidently in an environment of its own: a summary and drift report of two files, and its alarms on many."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks import peers
from benchmarks.processes import environment, seconds

REQUIREMENT = "evidently==0.7.23"
TITLE = peers.title(REQUIREMENT)
BESIDE = ("pandas<3", "pyarrow")  # it does not run with pandas 3
READ = """
import json, sys, time
import pandas as pd
from evidently import Dataset, DataDefinition, Report
from evidently.presets import DataDriftPreset, DataSummaryPreset
def read(path):
    return Dataset.from_pandas(pd.read_parquet(path), data_definition=DataDefinition())
"""
TIMED = """
old, new = map(read, sys.argv[2:])
began = time.perf_counter()
Report([DataSummaryPreset(), DataDriftPreset()]).run(new, old).dict()
json.dump(time.perf_counter() - began, open(sys.argv[1], "w"))
"""
ALARMS = """
old, found = read(sys.argv[2]), []
for path in sys.argv[3:]:
    try:
        report = Report([DataSummaryPreset(), DataDriftPreset()], include_tests=True).run(read(path), old).dict()
    except Exception:  # a column's type changed, or its drift of texts found no terms; whoever runs it is told
        found.append(["refused"])
        continue
    params = [one["metric_config"]["params"] for one in report["tests"] if one["status"].value == "FAIL"]
    found.append([one["type"].rpartition(":")[2] + " " + str(one.get("column", "")) for one in params])
json.dump(found, open(sys.argv[1], "w"))
"""
# Which failed tests count as an alarm, from the strictest reading of its report to the widest; an error counts in each.
READINGS = {
    "half of the columns drifted": ("DriftedColumnsCount",),
    "a column drifted": ("DriftedColumnsCount", "ValueDrift"),
    "a test of drift or summary failed": ("",),
}


def summary_and_drift(old: Path, new: Path) -> float:
    """Seconds; reading the files is not among them.

    Raises
    ------
    Trouble
        If it cannot be installed or does not run.
    """
    took: float = _said(TIMED, [old, new])
    return took


def failed(old: pl.DataFrame, new: Sequence[pl.DataFrame]) -> list[list[str]]:
    """The tests that fail for each new table held against the old one, each as metric and column; one process for all.

    The presets' own tests, as its users run them without declaring any; ``refused`` where it ends in an error.

    Raises
    ------
    Trouble
        If it cannot be installed or does not run.
    """
    with tempfile.TemporaryDirectory(prefix="noria-bench-data-") as folder:
        paths = [Path(folder) / f"{n}.parquet" for n in range(1 + len(new))]
        for frame, path in zip([old, *new], paths, strict=True):
            frame.write_parquet(path)
        found: list[list[str]] = _said(ALARMS, paths)
    return found


def alarms(tests: Sequence[Sequence[str]], column: str = "") -> Mapping[str, float]:
    """Share of tables with an alarm by reading, in per cent; ``column``: alarms about this one only."""
    return {
        reading: 100 * sum(any(_counts(one, wanted, column) for one in some) for some in tests) / len(tests)
        for reading, wanted in READINGS.items()
    }


def _counts(test: str, wanted: Sequence[str], column: str) -> bool:
    metric, _, of = test.partition(" ")
    return test == "refused" or (metric.startswith(tuple(wanted)) and (not column or of in ("", column)))


def _said(program: str, paths: Sequence[Path]) -> Any:
    python = peers.install(REQUIREMENT, *BESIDE).program("python")
    with tempfile.TemporaryDirectory(prefix="noria-bench-data-") as folder:
        said = Path(folder) / "said"
        command = [python, "-W", "ignore", "-c", READ + program, str(said), *map(str, paths)]
        seconds(command, Path(folder), environment(Path(folder)))
        return json.loads(said.read_text())
