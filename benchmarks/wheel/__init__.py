"""What turning the wheel costs beside the work itself."""

from benchmarks.wheel import demo, help, reused, steps

BENCHMARKS = (help.lines, reused.lines, steps.lines, demo.lines)
