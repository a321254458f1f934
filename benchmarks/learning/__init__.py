"""How fast and in how little memory candidates are found and looked at."""

from benchmarks.learning import analysis, memory, outofcore, preprocess, tuning

BENCHMARKS = [tuning.lines, memory.lines, preprocess.lines, outofcore.lines, analysis.lines]
