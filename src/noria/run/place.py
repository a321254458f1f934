"""Where steps run: the stores, the clock, and the lifecycle whose code they call."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noria.clock import Clock, SystemClock
from noria.digest import Digest
from noria.errors import StoreUnavailable
from noria.lifecycle import Lifecycle
from noria.plan import Step
from noria.settings import Settings
from noria.store.artifacts import ArtifactStore, open_artifacts
from noria.store.engine import Store, open_store


@dataclass(frozen=True, slots=True)
class Place:
    settings: Settings
    clock: Clock
    store: Store
    artifacts: ArtifactStore


@dataclass(frozen=True, slots=True)
class World:
    """What a step's ``observe`` may look at; the names are those of ``Attempt``."""

    lifecycle: str
    config: Any
    schema: Any
    functions: Mapping[str, Callable[..., Any]]
    project: Path
    settings: Settings
    store: Store
    clock: Clock


@dataclass(frozen=True, slots=True)
class Code:
    """A loaded lifecycle and the folder its relative paths start from.

    ``sources``: where those of its sources start, if that is another folder: code that came out of a bundle lies where
    no data arrive.
    """

    lifecycle: Lifecycle
    project: Path
    sources: Path | None = None

    def folder(self, word: str) -> Path:
        """Where relative paths start in a step."""
        return self.sources if word == "collect" and self.sources is not None else self.project

    def functions(self) -> Mapping[str, Callable[..., Any]]:
        return self.lifecycle.functions

    def world(self, place: Place, step: Step) -> World:
        return World(
            lifecycle=self.lifecycle.name,
            config=self.lifecycle.config(step.name),
            schema=self.lifecycle.schema,
            functions=self.functions(),
            project=self.folder(step.name),
            settings=place.settings,
            store=place.store,
            clock=place.clock,
        )


def open_place(settings: Settings, clock: Clock | None = None) -> Place:
    """Open the stores that the settings name, creating them where they are not.

    Raises
    ------
    UserError
        If the home cannot be written or a URL is wrong.
    StoreUnavailable
        If a store cannot be used.
    """
    store = open_store(settings.db)
    return Place(settings, clock or SystemClock(), store, open_artifacts(settings.artifacts, settings.cache))


def bundle_of(place: Place, digest: str) -> bytes:
    """A code bundle's bytes, verified."""
    try:
        return place.artifacts.get(Digest(digest))
    except OSError as error:
        raise StoreUnavailable(
            f"the code bundle cannot be read: {error}", where=digest[:12], do="See to the store."
        ) from error
