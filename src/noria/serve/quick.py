"""The path that most requests take, whatever protocol they come by: one plain row for a graph that stands ready.

It does what ``predict`` does, with all that does not change between two requests done beforehand: the arrays that the
graph is fed from, and, made by the edge for each version, what its answer consists of. It answers or it declines, and
never refuses: what it does not know goes the general way, which also has the words for what is wrong. Both ways give
the same answer and capture the same; tests compare them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import isnan
from time import time
from typing import Any, Generic, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from noria.data.explore import EXPLORED
from noria.model.onnx import OneRow
from noria.serve.host import Endpoint, Loaded
from noria.serve.ids import Ids
from noria.serve.models import Inside
from noria.serve.predict import Service
from noria.serve.segment import PredictedRow
from noria.serve.shadow import Copy

ENCODE = msgspec.json.Encoder().encode
Made = TypeVar("Made")
Sent = TypeVar("Sent")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Standing(Generic[Made]):
    """A version that answers this way; ``made`` is what the edge needs for its answers."""

    loaded: Loaded
    one_row: OneRow
    made: Made


class Track(Generic[Sent, Made]):
    """Plain requests for one endpoint, or for one of its versions. For one thread at a time.

    Parameters
    ----------
    fill
        Puts what was sent where the graph is fed from; the row as it was sent, or None if it is none that this way
        takes.
    make
        What answers of a version consist of, from the model's name and the version.
    """

    def __init__(
        self,
        service: Service,
        ids: Ids,
        model: str,
        version: int | None,
        fill: Callable[[OneRow, Sent], Row | None],
        make: Callable[[str, Loaded], Made],
    ) -> None:
        self.model = model
        self.version = version
        self._fill = fill
        self._make = make
        self._host = service.host
        self._spool = service.spool
        self._shadows = service.shadows
        self._new_id = ids.new
        self._endpoint: Endpoint | None = None
        self._standing: dict[int, Standing[Made] | None] = {}

    def answer(self, sent: Sent, subject: str | None) -> tuple[str, Made, list[float], NDArray[np.float32]] | None:
        """The prediction's id, what its version's answers consist of, and the scores, captured; None: not this way."""
        endpoint = self._host.endpoints.get(self.model)
        if endpoint is None:
            return None
        if endpoint is not self._endpoint:  # the route changed: versions may have gone, or have other parts in it
            self._endpoint, self._standing = endpoint, {}
        id = self._new_id(self.model)
        drawn = endpoint.split.drawn(id) if endpoint.split.explore and self.version is None else None
        if drawn is not None:
            number = drawn
        else:
            number = endpoint.split.choose(subject or id) if self.version is None else self.version
        try:
            standing = self._standing[number]
        except KeyError:
            standing = self._stand(endpoint, number)
        if standing is None:
            return None
        row = self._fill(standing.one_row, sent)
        if row is None:
            return None
        try:
            scores = standing.one_row.scores()
        except (ValueError, TypeError, OverflowError):
            return None
        said = scores.tolist()
        if isnan(sum(said)):
            return None
        loaded = standing.loaded
        self._capture(loaded, id, subject, row, scores, loaded.known.variant if drawn is None else EXPLORED)
        if endpoint.wanted.shadow:
            self._shadows.offer(Copy(self.model, id, {name: [value] for name, value in row.items()}, 1, scores))
        return id, standing.made, said, scores

    def _stand(self, endpoint: Endpoint, number: int) -> Standing[Made] | None:
        loaded = endpoint.loaded.get(number)
        if loaded is None:  # what is loaded on demand changes the endpoint, and is looked for again
            return None
        model = loaded.model
        one_row = model.graph.one_row() if isinstance(model, Inside) and not loaded.signature.several else None
        found = None if one_row is None else Standing(loaded, one_row, self._make(self.model, loaded))
        self._standing[number] = found
        return found

    def _capture(
        self, loaded: Loaded, id: str, subject: str | None, row: Row, scores: NDArray[np.float32], variant: str
    ) -> None:
        known, keeping = loaded.known, loaded.keeping
        loaded.model.used = now = time()
        if keeping is not None and not keeping.takes(id):
            return
        if loaded.subject is not None:
            own = row.setdefault(loaded.subject, subject)
            subject = None if own is None else str(own)
        if keeping is not None:
            row = keeping.cleaned(row)
        key = self._spool.key(self.model, known.number, known.release, loaded.signature.classes, loaded.subject)
        self._spool.note(PredictedRow(key, id, now, variant, subject, ENCODE(row), scores.tobytes()))
