"""noria airflow logs PART: the last lines of a part's log."""

from typing import Annotated

import typer

from noria.airflow.stack import control
from noria.cli import output
from noria.cli.airflows import here


def logs(
    part: Annotated[str, typer.Argument(help="Such as scheduler or worker1; without it, which there are.")] = "",
    lines: Annotated[int, typer.Option("-n", "--lines", min=1, help="How many lines.")] = 50,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> int:
    """The last lines of a part's log, or which logs there are."""
    folder = control.status(here.folder()).stack.folder
    known = {path.stem: path for path in sorted(folder.logs.glob("*.log"))}
    if not part:
        rows = [(name, path.stat().st_size, str(path)) for name, path in known.items()]
        if json:
            output.show_json([{"part": name, "bytes": size, "log": path} for name, size, path in rows])
        else:
            output.show_table("logs", ["part", "bytes", "file"], rows)
        return 0
    if part not in known:
        raise output.unknown("part", part, known, where="noria airflow logs")
    last = known[part].read_text(errors="replace").splitlines()[-lines:]
    if json:
        output.show_json({"part": part, "lines": last})
    else:
        for line in last:
            print(line)
    return 0
