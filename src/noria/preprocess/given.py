"""Files that a transformer reads when it is fitted: what is in them counts, not what they are called."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from noria.digest import Digest

MISSING = "not there"


def digests(transformer: Any) -> dict[str, str]:
    """Digests of the files that an unfitted transformer, or one inside it, was given; by their names."""
    return {str(file): Digest.of_file(file).hex if file.is_file() else MISSING for file in _files(transformer)}


def _files(transformer: Any) -> Iterator[Path]:
    """A transformer names the parameters that are files in ``FILES``."""
    inside = transformer.get_params(deep=True).values() if hasattr(transformer, "get_params") else ()
    for one in (transformer, *inside):
        for name in getattr(one, "FILES", ()):
            if (given := getattr(one, name)) is not None:
                yield Path(given)
