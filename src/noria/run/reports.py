"""The reports of a run, under names that people can open."""

from collections.abc import Sequence
from pathlib import Path

from noria.run.place import Place
from noria.store import runs


def write(place: Place, run: runs.Run, steps: Sequence[runs.StepRun]) -> list[tuple[str, str, Path]]:
    """Put each HTML output of a run into the home's ``reports/RUN``.

    Returns
    -------
    list
        Step word, output name, and file of each.
    """
    folder = place.settings.reports / run.id
    written = []
    for step in steps:
        with place.store.read() as c:
            result = runs.result(c, step.id)
        for name, output in result.outputs.items():
            if output.media == "text/html" and place.artifacts.has(output.digest):
                folder.mkdir(parents=True, exist_ok=True)
                path = folder / f"{step.step}-{name}"
                path.write_bytes(place.artifacts.get(output.digest))
                written.append((step.step, name, path))
    return written
