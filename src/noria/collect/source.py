"""What a source must do, and the table of those there are.

A source is a declaration in ``config.py`` and a function that says what it offers now. What it offered and was taken,
it offers again under the same digest for as long as it is there, so that nothing new looks like nothing new.
"""

from collections.abc import Callable, Mapping
from typing import Any

from noria.collect import captured, files, folder, rows, sql
from noria.collect.config import Captured, Files, Folder, Rows, Sql
from noria.collect.offer import Offer

OFFERS: Mapping[type, Callable[[Any, Any], list[Offer]]] = {
    Files: files.offers,
    Sql: sql.offers,
    Folder: folder.offers,
    Rows: rows.offers,
    Captured: captured.offers,
}


def offered(world: Any) -> list[Offer]:
    """What all of a lifecycle's sources offer now; captured answers are among them, declared or not."""
    sources = [*world.config]
    if Captured not in {type(source) for source in sources}:
        sources.append(Captured())
    return [offer for source in sources for offer in OFFERS[type(source)](world, source)]
