"""What it costs to take data in and to judge them."""

from benchmarks.data import collect, detection, drift, profile

BENCHMARKS = (collect.lines, profile.lines, drift.lines, detection.lines)
