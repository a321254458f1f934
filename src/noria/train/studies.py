"""Where a study lies on disk; light, for who only wants to see it."""

from pathlib import Path


def file_of(home: Path, lifecycle: str, fingerprint: str) -> Path:
    """The journal of the search with that fingerprint."""
    return home / "studies" / f"{lifecycle}-{fingerprint[:12]}.log"
