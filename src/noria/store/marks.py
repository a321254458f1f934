"""What an artifact store says of an artifact: how it is held, or that it is gone on purpose."""

from dataclasses import dataclass

from noria.digest import Digest
from noria.errors import NotFound

ERASED = "erased"  # folder of marks, one for each artifact that was erased


@dataclass(frozen=True, slots=True)
class Held:
    """An artifact that is there: its size in bytes, and when it was put last, in seconds since 1970."""

    digest: Digest
    bytes: int
    at: float


def was_erased(digest: Digest, why: str, where: str) -> NotFound:
    """The error that an artifact is gone because it held rows of somebody who was erased."""
    return NotFound(
        f"artifact {digest} was erased, by erasure {why}",
        where=where,
        do="Run the lifecycle: the step makes it again without the rows that were erased.",
    )
