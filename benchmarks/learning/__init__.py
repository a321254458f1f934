"""What it costs to learn, and to look at what was learned."""

from benchmarks.learning import analysis

BENCHMARKS = (analysis.lines,)
