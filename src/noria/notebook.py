"""A project seen from a notebook: turn the wheel, and look at what it left; every object shows itself."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

from noria import settings
from noria.plan import run_id
from noria.report import page
from noria.run import local, reports
from noria.run.place import Place, open_place
from noria.store import datasets, registry, runs


@dataclass(frozen=True, slots=True)
class Shown:
    """A table that shows itself; ``rows`` are plain tuples to go on with, ``say`` is the sentence above them."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    say: str = ""

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)

    def __repr__(self) -> str:
        lines = ["  ".join(map(_text, row)) for row in (self.columns, *self.rows)]
        return "\n".join([self.title, *([self.say] if self.say else []), *lines])

    def _repr_html_(self) -> str:
        body = page.table(self.columns, [[_text(cell) for cell in row] for row in self.rows])
        return f"<h4>{escape(self.title)}</h4>{f'<p>{escape(self.say)}</p>' if self.say else ''}{body}"


@dataclass(frozen=True, slots=True)
class Report:
    """An HTML report in a frame of its own; ``file`` is where it lies."""

    title: str
    file: Path

    def _repr_html_(self) -> str:
        content = escape(self.file.read_text(), quote=True)
        frame = f'<iframe srcdoc="{content}" style="width:100%;height:40rem;border:0" title="{escape(self.title)}">'
        return f"<h4>{escape(self.title)}</h4>{frame}</iframe>"


class Project:
    """A project's folder, and all that noria recorded of it.

    Examples
    --------
    >>> project = Project("loans")  # doctest: +SKIP
    >>> project.turn()  # doctest: +SKIP
    >>> project.reports("loans")[0]  # doctest: +SKIP
    """

    def __init__(self, folder: str | Path = ".") -> None:
        self.folder = Path(folder).resolve()
        self._place: Place | None = None

    def turn(
        self,
        file: str | Path = "lifecycle.py",
        *,
        remedy: str | None = None,
        reason: str | None = None,
        force: Collection[str] = (),
    ) -> Shown:
        """Turn the wheel once, as ``noria run`` does, and show each step.

        Raises
        ------
        NoriaError
            What made a step fail. A run that a gate stopped is shown, not raised.
        """
        done = local.turn(self.place, self.folder / file, remedy=remedy, reason=reason, force=force)
        return _steps(done.run, done.steps)

    def runs(self, lifecycle: str, most: int = 20) -> Shown:
        """The newest runs of a lifecycle, newest first."""
        with self.place.store.read() as c:
            found = runs.newest(c, lifecycle, most)
        rows = tuple((run.number, run.state, run.remedy, run.started_at, run.message) for run in found)
        return Shown(f"Runs of {lifecycle}", ("run", "state", "remedy", "started", "message"), rows)

    def data(self, dataset: str) -> Shown:
        """The versions of a dataset, oldest first."""
        with self.place.store.read() as c:
            found = datasets.versions(c, dataset)
        rows = tuple(
            (v.number, v.rows, len(v.batches), v.verdict, v.remedy, v.created_at, v.digest[:12]) for v in found
        )
        columns = ("version", "rows", "batches", "verdict", "remedy", "made", "digest")
        return Shown(f"Versions of {dataset}", columns, rows)

    def models(self, model: str) -> Shown:
        """The versions of a model with their aliases, oldest first."""
        with self.place.store.read() as c:
            found, aliases = registry.versions(c, model), registry.aliases(c, model)
            reasons = {one.id: one.reason for one in registry.releases(c, model)}
        named = {number: name for name, number in aliases.items()}
        rows = tuple(
            (v.number, named.get(v.number), f"{v.dataset}@{v.dataset_version}", dict(v.params), dict(v.metrics),
             reasons[v.release_id])
            for v in found
        )  # fmt: skip
        return Shown(f"Versions of {model}", ("version", "alias", "data", "parameters", "metrics", "why"), rows)

    def reports(self, lifecycle: str, number: int | None = None) -> list[Report]:
        """The reports of a run, the newest one's if no number is given: validation, analysis, model card."""
        with self.place.store.read() as c:
            newest = runs.newest(c, lifecycle, 1)
            if not newest:
                return []
            run = newest[0] if number is None else runs.get(c, run_id(lifecycle, number))
            steps = runs.steps(c, run.id)
        return [
            Report(f"{run.lifecycle} run {run.number}: {step} {path.stem.partition('-')[2]}", path)
            for step, _, path in reports.write(self.place, run, steps)
        ]

    @property
    def place(self) -> Place:
        """The stores, opened when first used."""
        if self._place is None:
            self._place = open_place(settings.load(self.folder))
        return self._place

    def __repr__(self) -> str:
        return f"<Project {self.folder.name}>"


def _steps(run: runs.Run, steps: Sequence[runs.StepRun]) -> Shown:
    rows = tuple((step.step, step.state, _seconds(step), "; ".join(step.why or ())) for step in steps)
    title = f"{run.lifecycle} run {run.number}: {run.state}"
    return Shown(title, ("step", "state", "seconds", "why"), rows, run.message or "")


def _seconds(step: runs.StepRun) -> float | None:
    return (step.ended_at - step.started_at).total_seconds() if step.started_at and step.ended_at else None


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M")
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(one)}" for key, one in value.items())
    return str(value)
