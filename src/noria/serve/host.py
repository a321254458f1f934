"""Load, warm, swap: which versions stand ready, changed while requests go on.

What requests read is one immutable ``Endpoint`` a name; a change puts another in its place. Requests that began with
the old one end with it, and it goes when the last of them is done.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from noria.errors import Failure, NoriaError, NotFound, StoreUnavailable
from noria.model.format import Predictor
from noria.model.onnx import Graph, OneRow
from noria.model.signature import Signature
from noria.serve.follow import Known, Source, Wanted
from noria.serve.route import Split

log = logging.getLogger("noria.serve")
POLL_S = 0.25
BEGIN_S = 10.0  # that a request waits for the first look at the routes
WARM = 3  # predictions before the first request: graphs plan their memory then


@dataclass(frozen=True, slots=True)
class Loaded:
    """A version that stands ready.

    inline
        So quick that it may answer on the event loop.
    one_row
        The model as requests of one row are answered; None if it has no such shortcut.
    """

    known: Known
    predictor: Predictor
    signature: Signature
    subject: str | None
    inline: bool
    one_row: OneRow | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    wanted: Wanted
    split: Split
    loaded: Mapping[int, Loaded]


class Host:
    """Follows a source. Everything but loading happens on the event loop's thread."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._wanted: Mapping[str, Wanted] = {}
        self._loading: dict[tuple[str, int], asyncio.Task[Loaded]] = {}
        self.endpoints: Mapping[str, Endpoint] = {}
        self.ready = asyncio.Event()
        self._troubles: dict[str, str] = {}  # by endpoint; under "" that of the source

    def pick(self, name: str, version: int | None, key: str) -> tuple[Endpoint, Known, Loaded | None]:
        """Who answers: the version asked for, or the one the route gives the key. None: it has to be loaded first.

        Raises
        ------
        NotFound
            If there is no such endpoint or version.
        """
        endpoint = self.endpoint(name)
        number = endpoint.split.choose(key) if version is None else version
        known = endpoint.wanted.versions.get(number)
        if known is None:
            there = ", ".join(map(str, endpoint.wanted.versions))
            raise NotFound(f"model {name} has no version {number}", where="route", do=f"There are {there}.")
        return endpoint, known, endpoint.loaded.get(number)

    @property
    def trouble(self) -> str | None:
        """What keeps routes from being followed just now."""
        return "; ".join(self._troubles.values()) or None

    def endpoint(self, name: str) -> Endpoint:
        """An endpoint by name.

        Raises
        ------
        NotFound
            If there is none.
        StoreUnavailable
            If there is one of which nothing could be loaded yet.
        """
        found = self.endpoints.get(name)
        if found is None and name in self._troubles:
            raise StoreUnavailable(f"model {name} is not ready", where=self._troubles[name], do="Ask again later.")
        if found is None:
            there = ", ".join(self.endpoints) or "none yet"
            raise NotFound(f"there is no model {name}", where="server", do=f"Models are: {there}.")
        return found

    async def load(self, name: str, known: Known) -> Loaded:
        """A version, loaded and warm; several that ask for it at once wait for one load.

        Raises
        ------
        NoriaError
            If its bytes are not there, or not what the metadata store says.
        """
        ready = self.endpoint(name).loaded.get(known.number) if name in self.endpoints else None
        if ready is not None and ready.known.package == known.package:
            return ready
        task = self._loading.get((name, known.number))
        if task is None:
            task = asyncio.create_task(asyncio.to_thread(self._make, known))
            self._loading[name, known.number] = task
            task.add_done_callback(lambda _: self._loading.pop((name, known.number), None))
        made = await asyncio.shield(task)
        if name in self.endpoints:
            there = self.endpoints[name]
            self._put(there.wanted, {**there.loaded, known.number: made})
        return made

    def forget(self, name: str, numbers: Collection[int]) -> None:
        """Let versions of an endpoint go; each request that one of them is answering is still answered."""
        there = self.endpoint(name)
        self._put(there.wanted, {n: one for n, one in there.loaded.items() if n not in numbers})

    async def begun(self) -> None:
        """Wait for the first look at the routes: ports are open before it, and in another worker's stead.

        Raises
        ------
        StoreUnavailable
            If it takes too long.
        """
        try:
            await asyncio.wait_for(self.ready.wait(), BEGIN_S)
        except TimeoutError as error:
            raise StoreUnavailable(
                self.trouble or "the server is still loading", where="server", do="Ask again later."
            ) from error

    async def refresh(self) -> None:
        """Look at the source once; load and warm what is new in a route, then swap.

        A version that cannot be loaded leaves its endpoint as it was: the old versions go on answering.
        """
        wanted = await asyncio.to_thread(self._source.wanted)
        self._troubles = {name: what for name, what in self._troubles.items() if name in wanted}
        if wanted == self._wanted:
            return
        followed = {
            name: one for name, one in wanted.items() if self._wanted.get(name) == one or await self._follow(one)
        }
        self.endpoints = {name: one for name, one in self.endpoints.items() if name in wanted}
        self._wanted = followed

    async def follow(self) -> None:
        """Refresh for ever; while the store is away, what is loaded goes on answering."""
        while True:
            try:
                await self.refresh()
                self.ready.set()
            except NoriaError as error:
                self._complain("", str(error))
            except Exception as error:  # whatever it is: to stop following would show only in days
                self._complain("", f"routes cannot be followed: {type(error).__name__}: {error}")
            await asyncio.sleep(POLL_S)

    async def _follow(self, wanted: Wanted) -> bool:
        try:
            split = Split.of(wanted.weights, wanted.salt)
            fresh = {n: await self.load(wanted.name, wanted.versions[n]) for n in split.versions}
        except Exception as error:  # one model's trouble is not the others'
            what = f"revision {wanted.revision} of route {wanted.name} is not followed: {error}"
            self._complain(wanted.name, what)
            return False
        self._put(wanted, fresh)
        self._troubles.pop(wanted.name, None)
        log.info("%s: revision %d, weights %s", wanted.name, wanted.revision, dict(wanted.weights))
        return True

    def _put(self, wanted: Wanted, loaded: Mapping[int, Loaded]) -> None:
        """The swap: one assignment. What is not in it goes when the last request that it answers is done."""
        current = {n: replace(one, known=wanted.versions[n]) for n, one in loaded.items() if n in wanted.versions}
        endpoint = Endpoint(wanted, Split.of(wanted.weights, wanted.salt), current)
        self.endpoints = {**self.endpoints, wanted.name: endpoint}

    def _make(self, known: Known) -> Loaded:
        packed, subject = self._source.fetch(known)
        row = {f.name: np.array([0.0 if f.numeric else "missing"], dtype=object) for f in packed.signature.inputs}
        try:
            predictor = packed.predictor()
            for _ in range(WARM):
                predictor.predict(row)
            one_row = predictor.one_row() if isinstance(predictor, Graph) else None
            for _ in range(WARM):
                if one_row is not None:
                    one_row.scores()
        except NoriaError:
            raise
        except Exception as error:
            raise Failure(
                f"version {known.number} cannot answer: {error}",
                where=f"artifact {known.package[:12]}",
                do="Train it.",
            ) from error
        return Loaded(known, predictor, packed.signature, subject, packed.kind == "onnx", one_row)

    def _complain(self, name: str, message: str) -> None:
        if message != self._troubles.get(name):  # once, not four times a second
            log.error(message)
        self._troubles[name] = message
