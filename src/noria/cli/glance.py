"""noria run FILE, when nothing changed: told and shown without loading a library."""

import json
import sys
from pathlib import Path

from noria import settings
from noria.cli.home import find_home
from noria.run import glance
from noria.run.summary import summary
from noria.store.repeat import Repeated

FLAGS = {"--explain", "--json"}


def command(words: list[str]) -> int | None:
    """The exit code, if the run could be repeated; None if the full command has to look closer."""
    files = [word for word in words if not word.startswith("-")]
    if len(files) != 1 or not FLAGS.issuperset(set(words) - set(files)):
        return None
    file = Path(files[0])
    if not file.is_file():
        return None
    made = glance.again(settings.load(find_home(file.resolve().parent)), file)
    if made is None:
        return None
    if "--json" in words:
        print(json.dumps(as_data(made), indent=2, ensure_ascii=False))
    else:
        show(made, explain="--explain" in words)
    return 0


def as_data(made: Repeated) -> dict[str, object]:
    """As ``noria run --json`` prints it."""
    steps = [
        {"step": s.step, "state": s.state, "why": s.why, "facts": s.facts, "message": s.message} for s in made.steps
    ]
    return {"run": made.id, "number": made.number, "state": "done", "message": None, "steps": steps}


def show(made: Repeated, *, explain: bool) -> None:
    """One line a step, as the full command draws it."""
    bold, cyan, dim, plain = ("\x1b[1m", "\x1b[36m", "\x1b[2m", "\x1b[0m") if sys.stdout.isatty() else ("",) * 4
    print(f"{bold}{made.lifecycle}{plain} run {made.number}")
    for step in made.steps:
        print(f"  {step.step:10} {cyan}{step.state:8}{plain} {'':8}  {summary(step.step, step.facts)}".rstrip())
        if explain:
            for sentence in step.why:
                print(f"             {dim}{sentence}{plain}")
