"""The use case: who answers, the answer, and its capture."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from noria.data.explore import EXPLORED
from noria.errors import BadInput, NotFound
from noria.model.format import Prediction
from noria.model.signature import spelled
from noria.serve.capture import Spool
from noria.serve.door import Door
from noria.serve.host import Host, Loaded
from noria.serve.ids import Ids, endpoint_of
from noria.serve.limits import Limits
from noria.serve.protocol import Answer, Feedback, Request
from noria.serve.segment import Predicted, Told
from noria.serve.shadow import Copy, Shadows
from noria.serve.watch import Watch


class Service:
    """Answers requests and takes feedback, whatever protocol they came by."""

    def __init__(
        self, host: Host, spool: Spool, watch: Watch | None = None, door: Door | None = None,
        limits: Limits | None = None,
    ) -> None:  # fmt: skip
        self.host = host
        self.spool = spool
        self.watch = watch or Watch()
        self.door = door or Door()
        self.limits = limits or Limits()
        self.ids = Ids()
        self.shadows = Shadows(host, spool, self.watch.meter)

    async def predict(self, request: Request) -> Answer:
        """Answer all rows of a request by one version, and capture them.

        Raises
        ------
        NotFound
            If there is no such model or version.
        BadInput
            If an input is missing or cannot be understood, or the model has no answer to a row.
        """
        if not request.rows:
            raise BadInput("the request has no rows", where=request.model, do="Send at least one row.")
        self.limits.check(request.rows, len(request.columns))
        id = self.ids.new(request.model)
        drawn = self.host.drawn(request.model, id) if request.version is None else None
        asked = request.version if drawn is None else drawn
        endpoint, known, loaded = self.host.pick(request.model, asked, request.subject or id)
        if loaded is None:
            loaded = await self.host.load(request.model, known)
        found = await self._answer(loaded, request)
        scores = np.ascontiguousarray(found.scores, dtype=np.float32)
        if np.isnan(scores).any():
            raise _unanswerable(request, "its scores are no numbers")
        try:
            self._capture(request, loaded, id, scores, known.variant if drawn is None else EXPLORED)
        except OverflowError as error:
            raise _unanswerable(request, str(error)) from error
        if endpoint.wanted.shadow:
            self.shadows.offer(Copy(request.model, id, request.columns, request.rows, scores))
        return Answer(
            model=request.model,
            version=known.number,
            release=known.release,
            variant=known.variant,
            prediction=id,
            label=found.label,
            scores=scores,
            signature=loaded.signature,
            ignored=len(request.columns) - len(loaded.signature.inputs),
        )

    def count(self) -> None:
        """Have the meter say how things stand now."""
        totals = self.watch.meter.totals
        totals.captured, totals.shed = self.spool.captured, self.spool.shed
        totals.waiting = {
            (name, str(number)): loaded.model.waiting
            for name, endpoint in self.host.endpoints.items()
            for number, loaded in endpoint.loaded.items()
        }

    async def _answer(self, loaded: Loaded, request: Request) -> Prediction:
        try:
            with np.errstate(over="ignore"):  # what float32 cannot hold is infinite
                async with asyncio.timeout(self.limits.seconds):
                    return await loaded.model.predict(request.columns, request.rows)
        except TimeoutError as error:
            raise self.limits.too_late(request.model) from error
        except (ValueError, TypeError, OverflowError) as error:
            raise _unanswerable(request, str(error).partition("\n")[0]) from error

    async def tell(self, feedback: Iterable[Feedback], endpoint: str | None = None) -> None:
        """Take feedback, all of it or nothing; it is on the disk when this returns.

        Raises
        ------
        NotFound
            If no endpoint here gave one of the prediction ids, or another than ``endpoint``.
        BadInput
            If one says neither label nor rating.
        StoreUnavailable
            If it could not be written: nothing was taken.
        """
        told = [self._told(one, endpoint) for one in feedback]
        if told:
            await self.spool.keep(*told)
            for owner, count in Counter(one.endpoint for one in told).items():
                self.watch.meter.told(owner, count)

    def _told(self, feedback: Feedback, endpoint: str | None) -> Told:
        prediction, label, rating = feedback.prediction, feedback.label, feedback.rating
        if label is None and rating is None:
            raise BadInput("the feedback says nothing", where=prediction, do="Give a label or a rating.")
        owner = endpoint_of(prediction, self.host.endpoints)
        if owner is None or endpoint not in (None, owner):
            raise NotFound(
                f"no prediction {prediction}", where=endpoint or "server", do="Send an id that was answered."
            )
        text = None if label is None else spelled(label)
        return Told(owner, prediction, time.time(), text, rating, feedback.source)

    def _capture(self, request: Request, loaded: Loaded, id: str, scores: Any, variant: str) -> None:
        known = loaded.known
        model = loaded.signature
        keeping = loaded.keeping
        loaded.model.used = now = time.time()
        if keeping is not None and not keeping.takes(id):
            return
        key = self.spool.key(
            request.model, known.number, known.release, model.classes, loaded.subject, several=model.several
        )
        columns = request.columns if keeping is None else keeping.cleaned(request.columns)
        self.spool.note(Predicted(key, id, now, variant, request.subject, request.rows, columns, scores.tobytes()))


def _unanswerable(request: Request, why: str) -> BadInput:
    return BadInput(
        f"the model cannot answer this: {why}",
        where=request.model,
        do="See to missing values and numbers out of range.",
    )
