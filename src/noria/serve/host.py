"""Load, warm, swap: which versions stand ready, changed while requests go on.

What requests read is one immutable ``Endpoint`` a name; a change puts another in its place. Requests that began with
the old one end with it, and it goes when the last of them is done.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from noria.digest import Digest
from noria.errors import Failure, NoriaError, NotFound, StoreUnavailable
from noria.model import package
from noria.model.onnx import Graph
from noria.model.package import Package
from noria.model.signature import Signature
from noria.serve.apart import Apart
from noria.serve.follow import Known, Source, Wanted
from noria.serve.keeping import Keeping
from noria.serve.models import Inside, Model, Outside, sample
from noria.serve.route import Split

log = logging.getLogger("noria.serve")
POLL_S = 0.25
AGAIN_S, LONGEST_S = 0.25, 30.0  # until what could not be loaded is tried again; it doubles
BEGIN_S = 30.0  # that a request waits for the first look at the routes: models in processes of their own take seconds
WARM = 3  # predictions before the first request: graphs plan their memory then
LOADERS = 4  # threads that load: one that waits for a slow model keeps no other waiting
MEMORY_MB = 2000.0

Noted = Callable[[str, str, int], None]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A version that stands ready."""

    known: Known
    model: Model
    signature: Signature
    subject: str | None
    keeping: Keeping | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    wanted: Wanted
    split: Split
    loaded: Mapping[int, Loaded]


@dataclass(frozen=True, slots=True)
class Failed:
    """What could not be followed, when it is tried again, and how long that was to wait."""

    wanted: Wanted
    again: float
    pause: float


class Host:
    """Follows a source. Everything but loading happens on the event loop's thread.

    Parameters
    ----------
    memory_mb
        What versions that no route names, but that were asked for by number, may take together: beyond it, those
        that were asked longest ago are let go.
    noted
        Told endpoint, version and rows of every batch that a model's process answers.
    """

    def __init__(
        self, source: Source, *, memory_mb: float = MEMORY_MB, noted: Noted = lambda name, version, rows: None
    ) -> None:
        self._source = source
        self._memory_mb = memory_mb
        self._noted = noted
        self._threads = ThreadPoolExecutor(LOADERS, thread_name_prefix="load")
        self._followed: dict[str, Wanted] = {}
        self._following: dict[str, asyncio.Task[None]] = {}
        self._failed: dict[str, Failed] = {}
        self._loading: dict[tuple[str, Known], asyncio.Task[Loaded]] = {}
        self.endpoints: Mapping[str, Endpoint] = {}
        self.ready = asyncio.Event()
        self._hurry = asyncio.Event()
        self._troubles: dict[str, str] = {}  # by endpoint; under "" that of the source

    def drawn(self, name: str, id: str) -> int | None:
        """The version that chance gives a request, by its prediction's id; None: the route decides."""
        endpoint = self.endpoints.get(name)
        return endpoint.split.drawn(id) if endpoint is not None and endpoint.split.explore else None

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
        task = self._loading.get((name, known))
        if task is None:
            task = asyncio.create_task(self._make(name, known))
            self._loading[name, known] = task
            task.add_done_callback(lambda _: self._loading.pop((name, known), None))
        made = await asyncio.shield(task)
        if name in self.endpoints:
            there = self.endpoints[name]
            self._put(there.wanted, {**there.loaded, known.number: made})
            self._make_room(made)
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
        await self._look()
        await asyncio.gather(*self._following.values())

    async def follow(self) -> None:
        """Refresh for ever; while the store is away, what is loaded goes on answering.

        Only the first look waits for what it finds to be loaded: one slow model keeps no other route from changing.
        """
        while True:
            try:
                await (self._look() if self.ready.is_set() else self.refresh())
                self.ready.set()
            except NoriaError as error:
                self._complain("", str(error))
            except Exception as error:  # whatever it is: to stop following would show only in days
                self._complain("", f"routes cannot be followed: {type(error).__name__}: {error}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), POLL_S)
            self._hurry.clear()

    def hurry(self) -> None:
        """Look now: something changed."""
        self._hurry.set()

    async def _look(self) -> None:
        """Look at the source, and begin to follow what changed."""
        wanted = await asyncio.to_thread(self._source.wanted)
        self._troubles = {name: what for name, what in self._troubles.items() if name in wanted}
        for name in self.endpoints.keys() - wanted.keys():
            self._drop(name)
        for name, one in wanted.items():
            if self._followed.get(name) != one and name not in self._following and self._is_due(one):
                task = asyncio.create_task(self._follow(one))
                self._following[name] = task
                task.add_done_callback(partial(self._settled, name))

    def _is_due(self, wanted: Wanted) -> bool:
        """Whether it is time to try: at once what is new, ever more rarely what could not be loaded."""
        failed = self._failed.get(wanted.name)
        return failed is None or failed.wanted != wanted or failed.again <= time.monotonic()

    def _settled(self, name: str, task: "asyncio.Task[None]") -> None:
        del self._following[name]

    async def _follow(self, wanted: Wanted) -> None:
        try:
            split = Split.of(wanted.weights, wanted.salt, wanted.explore)
            fresh = {n: await self.load(wanted.name, wanted.versions[n]) for n in split.versions}
        except Exception as error:  # one model's trouble is not the others'
            before = self._failed.get(wanted.name)
            pause = AGAIN_S if before is None or before.wanted != wanted else min(LONGEST_S, 2 * before.pause)
            self._failed[wanted.name] = Failed(wanted, time.monotonic() + pause, pause)
            what = f"revision {wanted.revision} of route {wanted.name} is not followed: {error}"
            self._complain(wanted.name, what)
            return
        fresh |= await self._shadows(wanted)
        self._put(wanted, fresh)
        self._followed[wanted.name] = wanted
        self._failed.pop(wanted.name, None)
        self._troubles.pop(wanted.name, None)
        log.info("%s: revision %d, weights %s", wanted.name, wanted.revision, dict(wanted.weights))

    async def _shadows(self, wanted: Wanted) -> dict[int, Loaded]:
        """The versions that get copies; what cannot be loaded gets none, and the route is followed all the same."""
        found = {}
        for number in wanted.shadow:
            try:
                found[number] = await self.load(wanted.name, wanted.versions[number])
            except Exception as error:
                log.error("%s: version %d is not shadowed: %s", wanted.name, number, error)
        return found

    def _put(self, wanted: Wanted, loaded: Mapping[int, Loaded]) -> None:
        """The swap: one assignment. What is not in it goes when the last request that it answers is done."""
        before = self.endpoints.get(wanted.name)
        current = {n: replace(one, known=wanted.versions[n]) for n, one in loaded.items() if n in wanted.versions}
        endpoint = Endpoint(wanted, Split.of(wanted.weights, wanted.salt, wanted.explore), current)
        self.endpoints = {**self.endpoints, wanted.name: endpoint}
        _retire(before, current)

    def _drop(self, name: str) -> None:
        before = self.endpoints[name]
        self.endpoints = {other: one for other, one in self.endpoints.items() if other != name}
        self._followed.pop(name, None)
        _retire(before, {})

    def _make_room(self, newest: Loaded) -> None:
        """Let go of what was asked for longest ago, among the versions that no route names."""
        spare = sorted(
            (one.model.used, name, number, one)
            for name, endpoint in self.endpoints.items()
            for number, one in endpoint.loaded.items()
            if number not in endpoint.wanted.routed
        )
        free = self._memory_mb - sum(one.model.memory_mb() for *_, one in spare)
        for _, name, number, one in spare:
            if free >= 0:
                return
            if one.model is not newest.model:
                free += one.model.memory_mb()
                self.forget(name, [number])
                log.info("%s@%d is let go, to make room", name, number)

    async def _make(self, name: str, known: Known) -> Loaded:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._made, name, known)

    def _made(self, name: str, known: Known) -> Loaded:
        data, subject, keeping = self._source.fetch(known)
        digest = Digest(known.package)
        packed = package.from_bytes(data, digest, where=f"artifact {digest}")
        if packed.kind == "onnx":
            model: Model = _graph(packed, known, len(data))
        else:
            apart = Apart(data, digest, f"{name}@{known.number}")
            apart.start()
            model = Outside(
                apart, packed.signature, f"{name}@{known.number}",
                lambda rows: self._noted(name, str(known.number), rows),
            )  # fmt: skip
        return Loaded(known, model, packed.signature, subject, keeping)

    def _complain(self, name: str, message: str) -> None:
        if message != self._troubles.get(name):  # once, not four times a second
            log.error(message)
        self._troubles[name] = message


def _graph(packed: Package, known: Known, size: int) -> Inside:
    row = sample(packed.signature)
    try:
        graph = packed.predictor()
        assert isinstance(graph, Graph)
        for _ in range(WARM):
            graph.predict(row)
        one_row = graph.one_row()
        for _ in range(WARM):
            if one_row is not None:
                one_row.scores()
    except NoriaError:
        raise
    except Exception as error:
        raise Failure(
            f"version {known.number} cannot answer: {error}", where=f"artifact {known.package[:12]}", do="Train it."
        ) from error
    return Inside(graph, size)


def _retire(before: Endpoint | None, current: Mapping[int, Loaded]) -> None:
    """Tell the models that left an endpoint that nobody will ask them."""
    kept = {id(one.model) for one in current.values()}
    for one in () if before is None else before.loaded.values():
        if id(one.model) not in kept:
            one.model.retire()
