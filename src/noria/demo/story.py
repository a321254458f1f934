"""The demo's story: eight scenes on real census data, each doing what a team would do, with the same commands' code."""

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from noria.client import Answer, Client
from noria.data import captured
from noria.demo import waves
from noria.demo.server import Server, wait_until
from noria.errors import Failure
from noria.feedback.performance import Measured, measure
from noria.release.promote import promote
from noria.run.local import Turn, Watcher, turn
from noria.run.place import Place
from noria.store import registry, routes

LIFECYCLE = Path(__file__).with_name("lifecycle.py")
VISIBLE = "HIDDEN: list[str] = []"
FAIRER = 'HIDDEN: list[str] = ["sex", "relationship", "marital_status"]'
NAME = "income"


@dataclass(slots=True)
class Story:
    """What the scenes share. ``watch`` hears every turn."""

    folder: Path
    place: Place
    watch: Watcher
    people: pl.DataFrame = field(default_factory=waves.people)
    server: Server | None = None

    @property
    def file(self) -> Path:
        return self.folder / "lifecycle.py"

    def prepare(self) -> None:
        """A project as ``noria init`` would make it, with the first wave in its inbox."""
        (self.folder / "inbox").mkdir(exist_ok=True)
        self.file.write_text(LIFECYCLE.read_text())
        self._arrive("wave-1", waves.first(self.people))

    def turn(self, remedy: str | None = None) -> Turn:
        return turn(self.place, self.file, remedy=remedy, watcher=self.watch)

    def serve(self) -> Answer:
        """Start the server and ask it about the first person."""
        self.server = Server(self.folder)
        return self._asked(waves.live(self.people).head(1).to_dicts())[0]

    def close(self) -> None:
        """End the server, if it runs."""
        if self.server is not None:
            self.server.stop()
            self.server = None

    def second_wave(self) -> None:
        self._arrive("wave-2", waves.second(self.people))

    def hide_proxies(self) -> None:
        """What the data scientist changes: the model no longer sees sex, nor two columns that give it away."""
        text = self.file.read_text()
        if VISIBLE not in text:
            raise Failure("the demo's lifecycle is not as expected", where=str(self.file), do="Reinstall noria.")
        self.file.write_text(text.replace(VISIBLE, FAIRER))

    def traffic(self) -> Counter[str]:
        """Ask about everybody over HTTP, one request a person, then tell each one's income; answers by variant."""
        self._follow()
        asked = waves.live(self.people)
        truth = asked["income"].to_list()
        answers = self._asked(asked.to_dicts())
        with Client(self._url) as client:
            for answer, label in zip(answers, truth, strict=True):
                client.feedback(answer.id, label=label, source="demo")
        wait_until(lambda: self._labelled() >= asked.height, "the feedback to reach the captured data")
        return Counter(f"{answer.variant}, version {answer.version}" for answer in answers)

    def repeat(self) -> int:
        """Ask again about people with a row each; how many got another version than before: none, routing is sticky."""
        few = waves.live(self.people).head(50).to_dicts()
        first, second = self._asked(few), self._asked(few)
        return sum(a.version != b.version for a, b in zip(first, second, strict=True))

    def live(self) -> list[Measured]:
        """Live performance of each version."""
        return measure(captured.joined(self.place.settings, NAME), "classification")

    def promote(self) -> routes.Route:
        """Make the challenger champion, and wait until the server follows."""
        reason = "; ".join(f"version {one.version}: {right(one)}" for one in self.live())
        with self.place.store.begin() as c:
            number = registry.aliases(c, NAME)[registry.CHALLENGER]
            version = registry.version(c, NAME, number)
            made = promote(c, self.place.clock, version, actor="demo", reason=f"fair by sex; live {reason}")
        self._follow()
        return made

    def somebody(self) -> dict[str, object]:
        """A person to ask the model about."""
        row = waves.live(self.people).row(0, named=True)
        return {name: value for name, value in row.items() if name != "income"}

    def one_prediction(self) -> str:
        """The id of the newest prediction."""
        return str(captured.predictions(self.place.settings, NAME)["id"][-1])

    @property
    def _url(self) -> str:
        assert self.server is not None
        return self.server.url

    def _asked(self, rows: list[dict[str, object]]) -> list[Answer]:
        with Client(self._url) as client:
            sent = [{name: value for name, value in row.items() if name != "income"} for row in rows]
            return [client.predict(NAME, [row], subject=str(row["person"]))[0] for row in sent]

    def _arrive(self, name: str, frame: pl.DataFrame) -> None:
        frame.write_parquet(self.folder / "inbox" / f"{name}.parquet")

    def _labelled(self) -> int:
        return captured.joined(self.place.settings, NAME)["label"].drop_nulls().len()

    def _follow(self) -> None:
        """Wait until the server has followed the newest route."""
        import httpx

        with self.place.store.read() as c:
            wanted = routes.newest(c, NAME)

        def followed() -> bool:
            said = httpx.get(f"{self._url}/v2/models/{NAME}").json()["parameters"]
            return wanted is not None and said["revision"] == wanted.revision

        wait_until(followed, "the server to follow the route")


def right(one: Measured) -> str:
    """How often a version was right in live traffic, and how sure that is."""
    if "accuracy" not in one.metrics:
        return "no labels yet"
    value, low, high = one.metrics["accuracy"]
    return f"{value:.1%} right (95 %: {low:.0%} to {high:.0%}) by {one.labelled} labels"


def seconds(began: float) -> str:
    return f"{time.monotonic() - began:.1f} s"
