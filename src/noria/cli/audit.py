"""noria audit: the log of decisions."""

import sys
from contextlib import nullcontext
from dataclasses import asdict
from datetime import datetime
from json import loads
from pathlib import Path
from typing import Annotated

import typer

from noria.cli import output
from noria.digest import canonical
from noria.errors import BadInput, Damaged
from noria.store import audit

MOST = 20  # sentences about what is wrong
app = output.app("The log of every decision: who, what, why; each entry chained to the one before.")


@app.command()
def show(
    most: Annotated[int, typer.Option(min=1, help="How many of the newest entries.")] = 50,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Print the newest entries."""
    place = output.existing_place()
    with place.store.read() as c:
        entries = audit.newest(c, most)
    if json:
        output.show_json(entries)
        return
    output.show_table(
        "Decisions",
        ["", "when", "who", "what", "of", "before", "after", "why"],
        [
            (e.number, datetime.fromisoformat(e.at), e.actor, e.action, e.subject, e.before, e.after, e.reason)
            for e in entries
        ],
    )


@app.command()
def verify(
    file: Annotated[Path | None, typer.Argument(help="An export instead of the store: JSON lines.")] = None,
    expect: Annotated[
        str | None,
        typer.Option(metavar="NUMBER:HASH", help="An entry as it was noted elsewhere: it must still be there."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Find any entry that was altered, removed or moved; exit code 1 if there is one.

    Who may write everything could write a whole other log: note the newest entry somewhere else, and --expect it.
    """
    noted = None if expect is None else _noted(expect)
    if file is None:
        place = output.existing_place()
        where = place.store.url
        with place.store.read() as c:
            count, wrong, newest = audit.count(c), list(audit.problems(c, noted)), audit.newest(c, 1)
    else:
        where, chain = str(file), _exported(file)
        count, wrong, newest = len(chain), list(audit.broken(chain, noted=noted)), chain[-1:]
    if wrong:
        raise Damaged(" ".join(wrong[:MOST]), where=where, do="Compare with a backup.")
    head = f"{newest[0].number}:{newest[0].hash}" if newest else None
    if json:
        output.show_json({"entries": count, "problems": [], "newest": head})
    else:
        output.say(f"{count} entries, the chain holds.")
        if head and file is None:
            output.say(f"To note elsewhere: --expect {head}")


@app.command()
def export(
    file: Annotated[Path | None, typer.Argument(help="To write; standard output if left out.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print how many were written as JSON.")] = False,
) -> None:
    """All entries as JSON lines, oldest first: 'noria audit verify FILE' checks them without the store."""
    place = output.existing_place()
    with place.store.read() as c, open(file, "w") if file else nullcontext(sys.stdout) as target:
        for entry in audit.entries(c):
            target.write(canonical(asdict(entry)).decode() + "\n")
        count = audit.count(c)
    if file is None:
        return
    if json:
        output.show_json({"entries": count, "file": str(file)})
    else:
        output.say(f"{count} entries in {file}")


def _noted(text: str) -> audit.Head:
    number, _, hash = text.partition(":")
    if not number.isdecimal() or len(hash) != len(audit.FIRST):
        raise BadInput(f"{text!r} is no entry", where="--expect", do="Write NUMBER:HASH, as an earlier check said.")
    return audit.Head(int(number), hash)


def _exported(file: Path) -> list[audit.Entry]:
    try:
        return [audit.Entry(**loads(line)) for line in file.read_text().splitlines() if line.strip()]
    except (ValueError, TypeError) as error:
        raise BadInput(
            f"it is no export of the log: {error}", where=str(file), do="Write one with 'noria audit export FILE'."
        ) from error


def command(words: list[str]) -> int:
    return output.run_app(app, "audit", words)
