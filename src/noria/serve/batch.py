"""Several requests, one call: rows that wait together run together.

Nothing waits for company: an idle model gets the first request at once, and what arrives while it works is the next
batch. So a request waits for one batch at most before its own, alone it is as quick as without, and the busier the
server, the larger the batches.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noria.errors import BadInput, Failure, NoriaError, StoreUnavailable
from noria.serve.apart import Died, unavailable

MOST_ROWS = 1024  # in one batch; one request may have more
MOST_WAITING = 65_536  # rows, beyond which a request is refused

Columns = Mapping[str, list[Any]]
Scores = NDArray[np.float32]
Run = Callable[[Columns], Awaitable[Scores]]


@dataclass(frozen=True, slots=True)
class Waiting:
    """One request's rows, and where its answer is put."""

    columns: Columns
    rows: int
    done: "asyncio.Future[Scores]"


class Batcher:
    """Runs requests in batches, one batch at a time. All methods belong to one event loop.

    Parameters
    ----------
    run
        Answers the rows of a batch; may raise what ``Apart.scores`` raises.
    noted
        Told the rows of every batch.
    end
        Called once nothing waits any more, if nothing more is to come.
    """

    def __init__(
        self,
        name: str,
        run: Run,
        noted: Callable[[int], None] = lambda rows: None,
        end: Callable[[], object] = lambda: None,
    ) -> None:
        self._name = name
        self._run = run
        self._noted = noted
        self._end = end
        self._retired = False
        self._queue: deque[Waiting] = deque()
        self._rows = 0
        self._task: asyncio.Task[None] | None = None

    async def predict(self, columns: Columns, rows: int) -> Scores:
        """The scores [rows, classes] of a request.

        Raises
        ------
        BadInput
            If the model has no answer to these rows.
        Failure
            If its code failed, its process died of these rows, or too many rows are waiting.
        """
        if self._rows + rows > MOST_WAITING and self._queue:
            raise StoreUnavailable(
                f"{self._rows:,} rows wait for an answer", where=self._name, do="Ask again in a second."
            )
        done: asyncio.Future[Scores] = asyncio.get_running_loop().create_future()
        self._queue.append(Waiting(columns, rows, done))
        self._rows += rows
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return await done

    @property
    def waiting(self) -> int:
        """Rows that no batch has taken yet."""
        return self._rows

    def retire(self) -> None:
        """Nothing more is to come: what waits is answered, and so is who was about to ask."""
        self._retired = True
        if self._task is None:
            self._end()

    async def _work(self) -> None:
        try:
            while self._queue:
                batch = self._next()
                if batch:
                    await self._answer(batch)
        finally:
            self._task = None
            if self._retired:
                self._end()

    def _next(self) -> list[Waiting]:
        """As many requests as make a batch, without those whose callers went away."""
        batch: list[Waiting] = []
        rows = 0
        while self._queue and (not batch or rows + self._queue[0].rows <= MOST_ROWS):
            one = self._queue.popleft()
            self._rows -= one.rows
            if not one.done.done():
                batch.append(one)
                rows += one.rows
        return batch

    async def _answer(self, batch: list[Waiting]) -> None:
        """Answer a batch; if it fails as a whole, each half for itself, so that nobody fails for another's rows."""
        rows = sum(one.rows for one in batch)
        self._noted(rows)
        try:
            scores = await self._tried(_joined(batch), alone=len(batch) == 1)
            if len(scores) != rows:
                raise Failure(f"the model gave {len(scores)} answers to {rows} rows", where=self._name, do="Mend it.")
        except (NoriaError, Died, OverflowError, TypeError) as error:
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._answer(batch[:middle])
                await self._answer(batch[middle:])
            elif not batch[0].done.done():
                batch[0].done.set_exception(self._told(error))
            return
        except BaseException as error:
            for one in batch:
                if not one.done.done():
                    one.done.set_exception(unavailable(self._name, type(error).__name__))
            raise
        at = 0
        for one in batch:
            if not one.done.done():
                one.done.set_result(scores[at : at + one.rows])
            at += one.rows

    async def _tried(self, columns: Columns, *, alone: bool) -> Scores:
        """Rows whose process died get another: it may have been ended for reasons that were not theirs."""
        try:
            return await self._run(columns)
        except Died:
            if not alone:
                raise
            return await self._run(columns)

    def _told(self, error: Exception) -> NoriaError:
        if isinstance(error, NoriaError):
            return error
        if isinstance(error, Died):
            return unavailable(self._name, str(error))
        return BadInput(f"the rows cannot be sent to the model: {error}", where=self._name, do="Send smaller numbers.")


def _joined(batch: list[Waiting]) -> Columns:
    if len(batch) == 1:
        return batch[0].columns
    return {name: [value for one in batch for value in one.columns[name]] for name in batch[0].columns}
