"""noria audit: the log of decisions."""

from datetime import datetime
from typing import Annotated

import typer

from noria.cli import output
from noria.errors import Damaged
from noria.store import audit

app = output.app("The log of every decision: who, what, why; each entry chained to the one before.")


@app.command()
def show(
    most: Annotated[int, typer.Option(min=1, help="How many of the newest entries.")] = 50,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Print the newest entries."""
    place = output.existing_place()
    with place.store.read() as c:
        entries = list(audit.entries(c))[-most:]
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
def verify(json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False) -> None:
    """Find any entry that was altered, removed or moved; exit code 1 if there is one."""
    place = output.existing_place()
    with place.store.read() as c:
        count, wrong = sum(1 for _ in audit.entries(c)), list(audit.problems(c))
    if wrong:
        raise Damaged(" ".join(wrong), where=place.store.url, do="Compare with a backup.")
    if json:
        output.show_json({"entries": count, "problems": []})
    else:
        output.say(f"{count} entries, the chain holds.")


def command(words: list[str]) -> int:
    return output.run_app(app, "audit", words)
