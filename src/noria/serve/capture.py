"""Capture: predictions and feedback go to a durable local spool; ``flush.py`` carries them on.

A prediction is in the file system before it is answered, so the death of the process loses none. A feedback is
acknowledged only when it is on the disk, the file's name in its folder too: all that wait share one ``fdatasync``
(group commit). A file that could not be synchronised is left: what the disk took of it cannot be known any more.
"""

import asyncio
import contextlib
import errno
import logging
import os
import threading
from pathlib import Path

from noria.errors import StoreUnavailable
from noria.serve import segment
from noria.serve.segment import Predicted, PredictedRow, Shadowed, Told, Version

log = logging.getLogger("noria.serve")
ROTATE_S = 1.0


class Spool:
    """One process's end of the spool. ``key`` and ``note`` are for any thread, all else for the event loop's.

    ``shed`` counts predictions that were answered and could not be captured.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = self._folder = folder
        self._file: int | None = None
        self._path: Path | None = None
        self._size = 0
        self._named = False  # whether the folder that names the file is on the disk
        self._keys: dict[tuple[str, int, str], int] = {}
        self._versions: list[bytes] = []  # by key, what a segment says of a version before its first prediction
        self._introduced: set[int] = set()  # versions of which the open segment tells
        self._lock = threading.Lock()  # of all that is above, while a thread writes or changes segments
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._busy = asyncio.Lock()
        self._commits: asyncio.Task[None] | None = None
        self._shedding = False
        self.captured = 0
        self.shed = 0

    def key(
        self,
        endpoint: str,
        number: int,
        release: str,
        classes: tuple[object, ...] | None,
        subject: str | None,
        *,
        several: bool = False,
    ) -> int:
        """The short name of a version, for as long as the process lives."""
        known = self._keys.get((endpoint, number, release))
        if known is not None:
            return known
        with self._lock:
            fresh = self._keys.setdefault((endpoint, number, release), len(self._versions))
            if fresh == len(self._versions):
                version = Version(fresh, endpoint, number, release, classes, subject, several)
                self._versions.append(segment.frame(version))
            return fresh

    def note(self, record: Predicted | PredictedRow | Shadowed) -> None:
        """Capture a prediction; it is in the file system when this returns. A disk that refuses it is no error here.

        One write a prediction: it takes less time than to wait in a turn of the event loop for others to share it.
        """
        data, key = segment.frame(record), record.key
        with self._lock:
            if key not in self._introduced:
                data = self._versions[key] + data
            error = self._write(data)
            if error is None:
                self._introduced.add(key)
                self.captured += 1
                self._shedding = False
                return
            self.shed += 1
            first, self._shedding = not self._shedding, True
        if first:  # once, not for each of them
            log.error("predictions are answered and not captured: %s (%s)", error, self.folder)

    async def keep(self, *records: Told) -> None:
        """Capture feedback, all or nothing; it is on the disk when this returns.

        Raises
        ------
        StoreUnavailable
            If it could not be written.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((b"".join(map(segment.frame, records)), done))
        if self._commits is None:  # a task of its own: a caller that goes away takes nobody along
            self._commits = asyncio.create_task(self._commit())
        await done

    async def rotate(self) -> None:
        """Complete the open segment, if anything is in it."""
        if self._commits is not None:
            await asyncio.shield(self._commits)
        async with self._busy:
            if self._file is None or self._path is None or not self._size:
                return
            await self._sync(self._file)
            self._leave(self._file, self._path)

    async def tend(self) -> None:
        """Rotate once a second, for ever."""
        while True:
            await asyncio.sleep(ROTATE_S)
            try:
                await self.rotate()
            except OSError as error:  # the file keeps its name, and is complete when this process ends
                log.error("a segment of the spool cannot be completed: %s", error)

    async def _commit(self) -> None:
        async with self._busy:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                error = await self._write_through(b"".join(frame for frame, _ in batch))
                for _, done in batch:
                    if done.done():  # its caller went away
                        continue
                    if error is None:
                        done.set_result(None)
                    else:
                        done.set_exception(_refused(error, self._folder))
            self._commits = None

    async def _write_through(self, data: bytes) -> OSError | None:
        """Append all of it or nothing, and onto the disk."""
        with self._lock:
            error = self._write(data)
        if error is not None or self._file is None or self._path is None:
            return error
        error = await self._sync(self._file)
        if error is not None:
            with contextlib.suppress(OSError):  # the file keeps its name, and is complete when this process ends
                self._leave(self._file, self._path)
        return error

    def _leave(self, file: int, path: Path) -> None:
        """Complete the open segment; who writes next begins another."""
        with self._lock:
            self._file, self._path, self._size = None, None, 0
            self._introduced.clear()
        os.close(file)
        segment.complete(path)

    def _write(self, data: bytes) -> OSError | None:
        """Append all of it or nothing."""
        try:
            if self._file is None:
                self._named = False
                self._path = segment.new_path(self._folder)
                self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            written = os.write(self._file, data)
            while written < len(data):
                written += os.write(self._file, data[written:])
        except OSError as error:
            if self._file is not None:
                self._cut(self._file)
            return error
        self._size += len(data)
        return None

    def _cut(self, file: int) -> None:
        try:
            os.ftruncate(file, self._size)
        except OSError:  # a torn record stays, and what is read later goes on behind it
            self._size = os.fstat(file).st_size

    async def _sync(self, file: int) -> OSError | None:
        try:
            await asyncio.to_thread(self._to_disk, file)
        except OSError as error:
            return error
        return None

    def _to_disk(self, file: int) -> None:
        os.fdatasync(file)
        if not self._named:
            segment.settle(self._folder)
            self._named = True


def _refused(error: OSError, folder: Path) -> StoreUnavailable:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    what = "the disk of the spool is full" if full else f"the spool cannot be written: {error.strerror}"
    return StoreUnavailable(what, where=str(folder), do="The feedback is not kept; send it again later.")
