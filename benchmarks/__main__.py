"""python -m benchmarks [FAMILY]: measure one family of benchmarks, or all, and print a line for each."""

import os
import platform
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec

from benchmarks.measure import REPETITIONS, Line, Trouble, table

FAMILIES = ("wheel", "data", "learning", "serving", "airflow", "trust", "pages")
OK, MISTAKE, INTERRUPTED = 0, 2, 130

Benchmark = Callable[[], Sequence[Line]]  # each family's package lists its own as BENCHMARKS


def main(words: list[str]) -> int:
    """Measure what is named; exit code 0 whatever is met, 2 for a family that nobody knows."""
    unknown = [word for word in words if word not in FAMILIES]
    if unknown or len(words) > 1:
        said = f"there is no family {unknown[0]!r}" if unknown else "name one family or none"
        print(f"benchmarks: {said}; families are {', '.join(FAMILIES)}.", file=sys.stderr)
        return MISTAKE
    print(f"python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} processors")
    print(
        f"Medians of {REPETITIONS} repetitions unless 'runs' says otherwise, peers in turn with ours; "
        "a ratio is the median of the turns' ratios."
    )
    for family in words or FAMILIES:
        print()
        if find_spec(f"benchmarks.{family}") is None:
            print(f"{family}: no benchmarks yet")
            continue
        print(f"{family}:", flush=True)
        print(table(measured(import_module(f"benchmarks.{family}").BENCHMARKS)), flush=True)
    return OK


def measured(benchmarks: Sequence[Benchmark]) -> list[Line]:
    """All lines; a benchmark that cannot be measured is a line that says why."""
    lines: list[Line] = []
    for number, benchmark in enumerate(benchmarks, 1):
        name = benchmark.__module__.rpartition(".")[2]
        _tell(f"{number} of {len(benchmarks)}: {name} …")
        try:
            lines.extend(benchmark())
        except Trouble as trouble:
            lines.append(Line(name, trouble=str(trouble)))
    _tell("")
    return lines


def _tell(text: str) -> None:
    """Progress, on a terminal only; it is overwritten."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is ended, whoever ends this
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
