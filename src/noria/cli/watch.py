"""noria watch FILE: turn the wheel when something calls for it."""

import json as json_
import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer

from noria.cli import output
from noria.errors import UserError
from noria.feedback.config import duration
from noria.run.place import Place
from noria.run.watch import Watching
from noria.store import runs, watches

app = output.app("Turn the wheel when something calls for it.")


@app.command()
def watch(
    file: Annotated[Path, typer.Argument(help="The lifecycle file.")],
    once: Annotated[bool, typer.Option("--once", help="Look once, turn if something calls for it, and end.")] = False,
    poll: Annotated[str, typer.Option(help="Time between two looks.")] = "5s",
    ask: Annotated[str | None, typer.Option(help="Ask the watch that is at work for a turn, and why; ends.")] = None,
    status: Annotated[bool, typer.Option("--status", help="Say who watches, and what it did last; ends.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print events, one line of JSON each.")] = False,
) -> int:
    """Turn the wheel when new data, labels, drift, a drop, a schedule, an erasure or a person calls for it.

    One watch a lifecycle. It ends at SIGTERM or Ctrl-C; a run it interrupts goes on when it starts again.
    """
    place = output.place_for(file)
    if ask is not None:
        return _ask(place, file, ask, json)
    if status:
        return _status(place, file, json)
    ended = threading.Event()
    before = {sign: signal.signal(sign, lambda *_: ended.set()) for sign in (signal.SIGTERM, signal.SIGINT)}
    tell = _line if json else _sentence
    try:
        return Watching(place, file, duration(poll, "--poll").total_seconds(), tell, ended).run(once=once)
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


def _ask(place: Place, file: Path, reason: str, json: bool) -> int:
    found = _watched(place, file)
    with place.store.begin() as c:
        watches.ask(c, found.lifecycle, id=uuid4().hex, reason=reason, actor=place.settings.actor)
    held = watches.is_held(found, place.clock)
    if json:
        output.show_json({"lifecycle": found.lifecycle, "asked": reason, "watched": held})
    else:
        output.say(
            f"{found.lifecycle}: asked for a turn" + ("" if held else "; nobody watches now, the next watch hears it")
        )
    return 0


def _status(place: Place, file: Path, json: bool) -> int:
    found = _watched(place, file)
    with place.store.read() as c:
        newest = runs.newest(c, found.lifecycle)
    held = watches.is_held(found, place.clock)
    run = newest[0] if newest else None
    if json:
        last = None if run is None else {"run": run.id, "trigger": run.trigger, "state": run.state, "cause": run.cause}
        output.show_json(
            {"lifecycle": found.lifecycle, "owner": found.owner if held else None, "asked": found.asked, "last": last}
        )
        return 0
    output.say(f"{found.lifecycle} is watched by {found.owner}" if held else f"{found.lifecycle} is not being watched")
    if run is not None:
        why = f": {run.cause['why']}" if run.cause else ""
        output.say(f"run {run.number} {run.state}, called for by {run.trigger}{why}")
    return 0


def _watched(place: Place, file: Path) -> watches.Watch:
    with place.store.read() as c:
        found = watches.of_file(c, str(file.resolve()))
    if found is None:
        raise UserError("this file was never watched", where=str(file), do="Start 'noria watch' first.")
    return found


def _line(event: Mapping[str, Any]) -> None:
    print(json_.dumps(output.plain(event), ensure_ascii=False), flush=True)


def _sentence(event: Mapping[str, Any]) -> None:
    word = event["event"]
    said = {
        "watching": "watching {lifecycle}, a look every {poll:g} s",
        "turn": "turns ({trigger}): {why}",
        "ended": "{run} {state}",
        "waits": "waits: {why}",
        "posted": "told Airflow ({trigger}): {why}",
        "interrupted": "{why}",
        "broken": "broken: {what}",
        "mended": "the lifecycle file is mended",
        "experiment": "experiment {experiment}: {verdict}, {why}",
        "trouble": "trouble: {what}",
    }.get(word, word)
    more = f": {event['message']}" if word == "ended" and event["message"] else ""
    run = event.get("run") or "no run;"
    output.say(f"{output.cell(event['at'])}  " + said.format(**{**event, "run": run}) + more)


def command(words: list[str]) -> int:
    return output.run_app(app, "watch", words)
