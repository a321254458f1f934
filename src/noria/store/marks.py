"""What an artifact store says of an artifact that is gone on purpose."""

from noria.digest import Digest
from noria.errors import NotFound

ERASED = "erased"  # folder of marks, one for each artifact that was erased


def was_erased(digest: Digest, why: str, where: str) -> NotFound:
    """The error that an artifact is gone because it held rows of somebody who was erased."""
    return NotFound(
        f"artifact {digest} was erased, by erasure {why}",
        where=where,
        do="Run the lifecycle: the step makes it again without the rows that were erased.",
    )
