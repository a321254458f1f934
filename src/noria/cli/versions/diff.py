"""noria data diff: what two versions do not share."""

from collections.abc import Mapping
from functools import reduce
from typing import Any

from noria.cli import output
from noria.cli.versions import sides
from noria.cli.versions.names import AsJson, Name, called, find, held, path
from noria.data.profile import Profile
from noria.data.schema import Schema
from noria.data.version import Difference, Held, columns, difference
from noria.errors import UserError
from noria.run.place import Place
from noria.store import datasets


def diff(old: Name, new: Name, json: AsJson = False) -> None:
    """Batches, rows, columns and label shares that two versions do not share."""
    place = output.existing_place()
    a, b = find(place, old), find(place, new)
    if a.dataset != b.dataset:
        raise UserError(
            f"{old} and {new} are of different datasets",
            where="noria data diff",
            do=f"Give two versions of one, or compare them: noria data compare {old} {new}",
        )
    schema, _ = sides.declared([sides.side(called(a))], None)
    found = difference(_held(place, a, schema), _held(place, b, schema))
    if json:
        output.show_json(found)
    else:
        output.show_table(f"{called(a)} → {called(b)}", ["", ""], _rows(found))


def _held(place: Place, version: datasets.Version, schema: Schema) -> Held:
    batches = held(place, version)
    shares = reduce(Profile.merge, [sides.of_batch(place, one, schema) for one in batches]).label_shares()
    kinds = columns(path(place, version.dataset), version.batches)
    return Held({one.id: one.rows for one in batches}, kinds, shares)


def _rows(found: Difference) -> list[tuple[str, Any]]:
    return [
        ("batches added", ", ".join(found.batches_added) or "none"),
        ("batches gone", ", ".join(found.batches_gone) or "none"),
        ("rows added", found.rows_added),
        ("rows gone", found.rows_gone),
        ("columns added", _named(found.columns_added)),
        ("columns gone", _named(found.columns_gone)),
        ("columns of another type", _named({k: f"{a} → {b}" for k, (a, b) in found.columns_changed.items()})),
        ("labels before", _shares(found.labels_before)),
        ("labels after", _shares(found.labels_after)),
    ]


def _named(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in columns.items()) or "none"


def _shares(labels: Mapping[str, float]) -> str:
    return ", ".join(f"{label} {share:.1%}" for label, share in labels.items()) or "none"
