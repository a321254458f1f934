"""One process of a stack: its command, and how one knows that it is ready."""

import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Part:
    """
    name, command, cwd, variables, account
        What is started, where, with which environment beside the stack's own, as whom.
    ready
        Whether it answers; it is given the place in its log where this start began.
    before, after
        What is done before each start, and once it is ready.
    start_s, grace_s, ends_by
        Seconds until a start counts as failed, those it gets to end when it is asked to, and how it is asked.
    """

    name: str
    command: Sequence[str]
    cwd: Path
    ready: Callable[[int], bool]
    before: Callable[[], None] = _nothing
    after: Callable[[], None] = _nothing
    variables: Mapping[str, str] = field(default_factory=dict)
    account: Mapping[str, object] = field(default_factory=dict)
    start_s: float = 120
    grace_s: float = 15
    ends_by: signal.Signals = signal.SIGTERM
