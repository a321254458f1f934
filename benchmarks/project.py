"""The project that is measured: the demo's lifecycle on the first wave of its census data."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep

from benchmarks.processes import NORIA, environment, seconds

SETTLE_S = 1.5  # files that changed less than a second before a run are looked at again by the next
NAME = "income"
ROWS = "16,000 rows"


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with a lifecycle file whose first run is done; ``env`` is what its commands are started with."""

    folder: Path
    env: Mapping[str, str]

    @property
    def file(self) -> Path:
        return self.folder / "lifecycle.py"

    def run(self) -> float:
        """Seconds that ``noria run`` takes."""
        return seconds([NORIA, "run", self.file.name], self.folder, self.env)


@contextmanager
def workplace(prefix: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """An empty folder and the environment of processes in it; all of it is gone afterwards."""
    with TemporaryDirectory(prefix=f"noria-bench-{prefix}-") as name:
        root = Path(name)
        folder = root / "work"
        folder.mkdir()
        yield folder, environment(root)


@contextmanager
def census(changed: Callable[[str], str] = str) -> Iterator[Project]:
    """The project after one run: a served model, and nothing new. ``changed`` gives its lifecycle another text."""
    from noria.demo import story, waves

    with workplace("census") as (folder, env):
        (folder / "inbox").mkdir()
        waves.first(waves.people()).write_parquet(folder / "inbox" / "wave-1.parquet")
        made = Project(folder, env)
        made.file.write_text(changed(story.LIFECYCLE.read_text()))
        sleep(SETTLE_S)
        made.run()
        yield made


def no_graph(lifecycle: str) -> str:
    """The project's lifecycle with a model of a class of its own, which no converter knows."""
    own = "class Own(LogisticRegression):\n    pass\n\n\nincome = "
    return lifecycle.replace("income = ", own, 1).replace("return LogisticRegression(", "return Own(")
