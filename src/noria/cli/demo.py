"""noria demo: the whole loop on bundled real data."""

import json
import signal
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from noria import settings
from noria.cli import output
from noria.cli.output import console, show_tree
from noria.cli.run import Screen, written_reports
from noria.demo.server import wait_until
from noria.demo.story import NAME, Story, right, seconds
from noria.errors import Failure, UserError
from noria.run.local import Turn
from noria.run.place import open_place

app = output.app("The whole loop on bundled real data.")


@app.command()
def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the server running and the folder there; Ctrl-C ends it.")
    ] = False,
    folder: Annotated[Path | None, typer.Option(help="An empty folder to work in; default a temporary one.")] = None,
) -> int:
    """Turn the wheel on the Adult census data, with everything that can come in between."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends the demo, its server ends with it
    with ExitStack() as stack:
        if folder is None and keep:
            folder = Path(tempfile.mkdtemp(prefix="noria-demo-"))
        elif folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="noria-demo-")))
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UserError("the folder is not empty", where=str(folder), do="Give another with --folder.")
        place = open_place(settings.load(folder, environ={"NORIA_ACTOR": "demo"}))
        stack.callback(place.store.close)
        screen = stack.enter_context(Screen(explain=False))
        story = Story(folder.resolve(), place, screen)
        stack.callback(story.close)
        began = time.monotonic()
        play(story)
        console.print(f"\n[bold]That was the wheel.[/] {seconds(began)}.")
        if keep:
            _stay(story)
    return 0


def play(story: Story) -> None:
    """All scenes."""
    _arrival(story)
    _nothing_new(story)
    _shifted_wave(story)
    _fairer(story)
    _challenger(story)
    _around_again(story)
    _traced(story)


def _arrival(story: Story) -> None:
    _scene(1, "Data arrive, and become a model that is served")
    _say(
        'The data: "Adult", Becker and Kohavi, 1996, UCI Machine Learning Repository, CC BY 4.0. Person ids and '
        "arrival waves are made from the order of the rows; nothing else is invented."
    )
    story.prepare()
    _must(story.turn(), "done")
    answer = story.serve()
    _say(f"Asked over HTTP about one person: [bold]{answer.label}[/], by version {answer.version}, id {answer.id}.")


def _nothing_new(story: Story) -> None:
    _scene(2, "The same again: nothing changed, so nothing is computed")
    began = time.monotonic()
    done = _must(story.turn(), "done")
    reused = sum(step.state == "reused" for step in done.steps)
    _say(f"{reused} of {len(done.steps)} steps were reused, in {seconds(began)}.")


def _shifted_wave(story: Story) -> None:
    _scene(3, "High incomes are suddenly twice as frequent: the run stops")
    story.second_wave()
    stopped = _must(story.turn(), "stopped")
    _say(f"[yellow]{escape(stopped.run.message or '')}[/]")
    _reports(story, stopped)
    _say("The data scientist decides: equal numbers of each label. [dim]noria run lifecycle.py --remedy resample[/]")
    refused = _must(story.turn(remedy="resample"), "stopped")
    _say(f"[yellow]{escape(refused.run.message or '')}[/]")
    _say("A person's sex decides too much. The champion goes on serving; nobody was hurt.")


def _fairer(story: Story) -> None:
    _scene(4, "The model no longer sees sex, nor what gives it away")
    story.hide_proxies()
    done = _must(story.turn(), "done")
    release = done.step("release").facts or {}
    _say(f"Version {release['number']} passes every gate and becomes the challenger.")
    _reports(story, done)


def _challenger(story: Story) -> None:
    _scene(5, "The challenger answers a tenth of the people; the truth arrives")
    for variant, count in sorted(story.traffic().items()):
        _say(f"{count} people were answered by the {variant}.")
    _say(f"Asked twice, {story.repeat()} of 50 people got another version: routing sticks to the person.")
    for one in story.live():
        _say(f"Live, version {one.version} was {right(one)}.")
    made = story.promote()
    _say(f"Promoted, without a restart: all traffic to version {output.cell(made.weights)} %, on record why.")


def _around_again(story: Story) -> None:
    _scene(6, "The labels are data: the next turn starts from them")
    done = story.turn()
    collected = done.step("collect").facts or {}
    _say(f"Version {collected['version']} of the data holds the {len(collected['batches'])} batches that arrived.")
    if done.run.state == "stopped":
        _say(f"[yellow]{escape(done.run.message or '')}[/]")


def _traced(story: Story) -> None:
    from noria.cli.trace import tree
    from noria.governance.graph import graph
    from noria.governance.seek import seek

    _scene(7, "One prediction, traced back to the data it learned from")
    found = seek(story.place, story.one_prediction(), "prediction")
    kinds = ("variant", "model_version", "release", "run", "dataset_version", "batch", "source")
    show_tree(tree(graph(story.place, found.seed, down=False), kinds))


def _must(done: Turn, state: str) -> Turn:
    """The demo shows what happens; if something else happens it fails rather than tell stories."""
    if done.run.state != state:
        raise Failure(
            f"run {done.run.number} ended {done.run.state}, not {state}: {done.run.message}",
            where="demo",
            do="Please report this.",
        )
    return done


def _stay(story: Story) -> None:
    from noria.ui.server import beside

    assert story.server is not None
    url, ready = story.server.url, story.place.settings.home / "pages"
    ready.unlink(missing_ok=True)
    with beside(story.place.settings, host="127.0.0.1", port=0, insecure=False, ready_file=ready):
        wait_until(ready.exists, "the pages to start")
        _told(story, url, ready.read_text())
        story.server.process.wait()


def _told(story: Story, url: str, pages: str) -> None:
    row = json.dumps({"rows": [story.somebody()]})
    console.print(f"\nThe project is in [bold]{story.folder}[/], the server at [bold]{url}[/],")
    console.print(f"the pages at [bold]{pages}[/]. Try:")
    for line in (f"curl {url}/v2/models/{NAME}", f"curl {url}/v2/models/{NAME}/predict -d '{row}'",
                 f"cd {story.folder} && noria model list && noria data log && noria audit verify"):  # fmt: skip
        console.print(f"  {line}", markup=False)
    console.print("Ctrl-C ends the server; the folder stays.")


def _scene(number: int, title: str) -> None:
    console.print()
    console.rule(f"[bold]{number}  {title}", align="left")


def _say(text: str) -> None:
    console.print(text, soft_wrap=True)


def _reports(story: Story, done: Turn) -> None:
    for step, name, path in written_reports(story.place, done):
        console.print(f"  [dim]{step} {name}: {path}[/]")


def command(words: list[str]) -> int:
    return output.run_app(app, "demo", words or ["--"])
