"""For whom chance decides, not the model: a small share of subjects, so that something is learned of all kinds."""

from hashlib import blake2b

EXPLORED = "explored"  # the variant of an answer whose version chance drew, whatever part that has in the route
SALT = b"noria explore 1"
BYTES = 8


def explore(subject: str, share: float, *, salt: str = "") -> bool:
    """Whether the decision about a subject is to be taken by chance, not by the model's answer.

    The same subject gets the same answer as long as the salt stays; with a larger share, whoever was among them still
    is. Send it along with the request, in the column that ``nr.Captured(explored=…)`` names.

    Examples
    --------
    >>> sum(explore(f"person-{n}", 0.1) for n in range(10_000))
    982
    """
    return point(subject, salt) < share


def point(subject: str, salt: str = "") -> float:
    """Where a subject falls in [0, 1), as even as chance."""
    digest = blake2b(f"{salt}:{subject}".encode(), digest_size=BYTES, key=SALT).digest()
    return int.from_bytes(digest, "big") / (1 << 8 * BYTES)
