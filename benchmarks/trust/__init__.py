"""What it costs to be able to answer for everything: traces, erasure, the log of decisions."""

from benchmarks.trust import chain, erasure, experiments, join, trace

BENCHMARKS = (trace.lines, erasure.lines, chain.lines, join.lines, experiments.lines)
