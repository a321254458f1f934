"""A command as a child that does not outlive its task: in a process group of its own, ended with its parent."""

import os
import selectors
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

from noria.airflow import warm

LOOK_S = 0.5  # how often it is seen whether the parent is still there
TASK = "NORIA_TASK"  # to the command: the process that ordered it; forked from a warm one, that is not its parent
PARENT = "NORIA_PARENT"  # to the command: the process that it must not outlive
SAYS = "noria: "  # how the one sentence of a failed noria command begins


class Orphaned(Exception):
    """The process that started this task is gone: Airflow believes the task dead and may have begun it again."""


class Child:
    """One running command.

    Parameters
    ----------
    command, folder, environment
        What is started, where (None: here), and what is added to the environment.
    """

    def __init__(self, command: Sequence[str], folder: str | None, environment: Mapping[str, str]) -> None:
        whole = {**os.environ, **environment, TASK: str(os.getpid())}
        self._process = warm.start(command, folder, whole) or subprocess.Popen(
            list(command),
            cwd=folder,
            env={**whole, PARENT: str(os.getpid())},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def follow(self, log: Callable[[str], object]) -> tuple[int, str]:
        """Hand on each line until the end: the exit code, and the last sentence that noria or the command said.

        Raises
        ------
        Orphaned
            If the parent of this process went away; the command is ended.
        """
        parent, said, last = os.getppid(), "", ""
        try:
            for line in self._lines(parent):
                log(line)
                last = line or last
                if line.startswith(SAYS):
                    said = line.removeprefix(SAYS)
            code = self._process.wait()
        except BaseException:
            self.end()
            raise
        return code, said or last or f"it ended with {code} and said nothing"

    def end(self) -> None:
        """End the command and all it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _lines(self, parent: int) -> Iterator[str]:
        """The output as it comes, until the command ends; what it left running keeps nobody waiting."""
        output, rest = self._process.stdout, b""
        assert output is not None
        os.set_blocking(output.fileno(), False)
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while True:
                ready = selector.select(LOOK_S)
                if os.getppid() != parent:
                    raise Orphaned("the process that supervised this task is gone: the step is ended")
                data = output.read() if ready else None
                if data == b"" or (data is None and self._process.poll() is not None):
                    break
                *lines, rest = (rest + (data or b"")).split(b"\n")
                yield from (line.decode(errors="replace").rstrip() for line in lines)
        if rest:
            yield rest.decode(errors="replace").rstrip()
