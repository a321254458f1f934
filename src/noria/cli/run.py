"""noria run FILE: turn the wheel once."""

import os
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from noria import owner
from noria.cli import output
from noria.cli.output import console
from noria.run.child import PARENT
from noria.run.execute import Done
from noria.run.local import Turn, Watcher, turn
from noria.run.place import Place
from noria.run.summary import summary
from noria.store.runs import Run, StepRun

app = output.app("Turn the wheel once.")


class Screen(Watcher):
    """Shows a turn as it happens: one line a step, and how far a long one is."""

    def __init__(self, *, explain: bool) -> None:
        self.explain = explain
        self.heard: set[str] = set()
        self.bar = Progress(
            SpinnerColumn(),
            BarColumn(24),
            TaskProgressColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self.task = self.bar.add_task("", visible=False)

    def __enter__(self) -> "Screen":
        self.bar.start()
        self.show_warning, warnings.showwarning = warnings.showwarning, self.warned  # type: ignore[assignment]
        return self

    def __exit__(self, *error: object) -> None:
        warnings.showwarning = self.show_warning
        self.bar.stop()

    def warned(
        self, message: Warning | str, category: type[Warning], filename: str, lineno: int, *more: object
    ) -> None:
        """A library's warning as one line, each once."""
        text = f"{category.__name__}: {str(message).splitlines()[0]}"
        if text not in self.heard:
            self.heard.add(text)
            self.trouble(text)

    def started(self, run: Run) -> None:
        remedy = f", remedy {run.remedy}" if run.remedy else ""
        console.print(f"[bold]{run.lifecycle}[/] run {run.number}{remedy}")

    def step_started(self, word: str) -> None:
        self.bar.remove_task(self.task)
        self.task = self.bar.add_task(word, total=None)  # until the step says how far it is

    def progress(self, text: str, share: float) -> None:
        self.bar.update(self.task, description=text, total=1.0, completed=share)

    def step_ended(self, done: Done) -> None:
        self.bar.update(self.task, visible=False)
        console.print(line(done.step))
        if self.explain or done.step.state == "blocked":
            for sentence in done.step.why or ():
                console.print(f"             [dim]{escape(sentence)}[/]")

    def trouble(self, message: str) -> None:
        console.print(f"  [red]! {escape(message)}[/]")

    def said(self, message: str) -> None:
        console.print(f"  [yellow]{escape(message)}[/]")


def line(step: StepRun) -> str:
    """One step run as one line."""
    style = output.STATE_STYLE.get(step.state, "default")
    took = (
        f"{(step.ended_at - step.started_at).total_seconds():6.2f} s" if step.started_at and step.ended_at else " " * 8
    )
    return f"  {step.step:10} [{style}]{step.state:8}[/] {took}  {escape(summary(step.step, step.facts))}"


@app.command()
def run(
    file: Annotated[Path, typer.Argument(help="The lifecycle file.")],
    remedy: Annotated[
        str | None,
        typer.Option(help="What to do about data that stop a run: resample, reweight, quarantine, accept, none."),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why, for the record; quarantine and accept need it.")] = None,
    force: Annotated[list[str] | None, typer.Option(help="Compute this step even if nothing changed.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say for each step why it ran or was reused.")] = False,
    trigger: Annotated[str, typer.Option(hidden=True)] = "person",
    why: Annotated[str | None, typer.Option(hidden=True)] = None,
    mark: Annotated[str, typer.Option(hidden=True)] = "",
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> int:
    """Turn the wheel once: collect, validate, preprocess, tune, train, analyze, release, deploy, feedback.

    What did not change is reused; a run that was interrupted goes on where it stopped.
    """
    owner.follow(os.environ.pop(PARENT, None))
    place = output.place_for(file)
    cause = None if why is None else {"why": why, "mark": mark}
    if json:
        done = turn(place, file, remedy=remedy, reason=reason, force=force or (), trigger=trigger, cause=cause)
        output.show_json(as_data(done))
    else:
        with Screen(explain=explain) as screen:
            done = turn(place, file, remedy=remedy, reason=reason, force=force or (), watcher=screen)
        _end(place, done)
    return 3 if done.run.state == "stopped" else 0


def as_data(done: Turn) -> dict[str, Any]:
    """A turn as plain data."""
    return {
        "run": done.run.id,
        "number": done.run.number,
        "state": done.run.state,
        "message": done.run.message,
        "steps": [
            {"step": s.step, "state": s.state, "why": s.why, "facts": s.facts, "message": s.message} for s in done.steps
        ],
    }


def _end(place: Place, done: Turn) -> None:
    if done.run.state == "stopped":
        console.print(f"[yellow bold]Stopped.[/] {escape(done.run.message or '')}")
    for step, name, path in written_reports(place, done):
        console.print(f"  [dim]{step} {name}:[/] {path}")


def written_reports(place: Place, done: Turn) -> list[tuple[str, str, Path]]:
    """The run's HTML reports, copied to readable names under the home: step, name, file."""
    from noria.run.reports import write

    return write(place, done.run, done.steps)


def command(words: list[str]) -> int:
    return output.run_app(app, "run", words)
