"""Preprocess: fitted once on the training split, applied once, kept on disk for whoever trains."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from noria.data import remedy, split, table
from noria.data.schema import SPLITS
from noria.data.stored import readable
from noria.data.table import BOOKKEEPING, WEIGHT
from noria.errors import BadInput, UserCodeFailed
from noria.model.frame import columns_of, fields_of
from noria.model.ragged import Ragged
from noria.model.signature import Signature
from noria.model.sklearn import to_frame
from noria.model.stable import pickled
from noria.plan import Step
from noria.preprocess import default, given, labels, leak, pieces, user
from noria.preprocess.config import Preprocess
from noria.store.attempt import Alert, Attempt

FORMAT = 4
USES = {"collect": ("dataset", "batches", "digest"), "validate": ("remedy", "cuts")}


def observe(world: Any, step: Step) -> dict[str, str] | None:
    """The files that the user's transformer reads, by their content."""
    function = world.functions.get("preprocess")
    try:
        return None if function is None else given.digests(user.make(function)) or None
    except UserCodeFailed:  # the step itself says it, once it runs
        return None


@dataclass(frozen=True, slots=True)
class Rows:
    """The version's rows: which of them are in each split, by number, and what is to be learned from them."""

    frame: pl.DataFrame
    splits: Mapping[str, NDArray[np.int64]]
    label: labels.Labels
    signature: Signature

    def raw(self, name: str) -> Any:
        """The inputs of one split's rows, as the transformer takes them."""
        return to_frame(columns_of(self.frame[self.splits[name]], self.signature.inputs))


def _rows(attempt: Attempt) -> Rows:
    facts = attempt.inputs["collect"].facts
    path = f"{attempt.settings.data}/{facts['dataset']}"
    with readable(path):
        frame = table.scan(path, facts["batches"]).collect()
    fields = fields_of(frame, attempt.schema.hidden() | set(BOOKKEEPING))
    if not fields:
        raise BadInput("no column is left to learn from", where="preprocess", do="Shorten Schema.drop.")
    assigned = split.assign(frame, attempt.schema, attempt.inputs["validate"].facts.get("cuts"))
    rows = {name: np.flatnonzero((assigned == name).to_numpy()) for name in SPLITS}
    labels.not_empty(rows)
    label = labels.of(frame, attempt.schema, rows["train"])
    labels.learnable(label, rows["train"])
    signature = Signature(
        fields, label.classes, attempt.schema.label, label.positive, several=attempt.schema.task == "multilabel"
    )
    return Rows(frame, rows, label, signature)


def prepare(attempt: Attempt) -> None:
    """What the parts start from: the fitted transformer."""
    rows = _rows(attempt)
    attempt.save(pieces.PREPROCESSOR, pickled(_fitted(attempt, rows.signature, rows.raw("train"))))
    attempt.save_json(pieces.SIGNATURE, rows.signature.plain())


def part(attempt: Attempt) -> None:
    """Transform one piece of the rows."""
    pieces.transform(attempt)


def run(attempt: Attempt) -> None:
    """Split, fit the transformer on the training rows, transform every split, write arrays."""
    found = _rows(attempt)
    frame, rows, label, signature = found.frame, found.splits, found.label, found.signature
    kept, weights = _remedied(attempt, label.values[rows["train"]])
    weights = weights * _own_weights(frame[rows["train"]])[kept]
    transformer, packed = pieces.fitted(attempt) or (None, None)
    classes = label.classes is not None
    for index, name in enumerate(SPLITS):
        attempt.progress(f"{name} rows", index / len(SPLITS))
        part = frame[rows[name]]
        raw = found.raw(name)
        if name == "train" and transformer is None:  # the order of SPLITS: nothing is transformed before it
            transformer = _fitted(attempt, signature, raw)
            packed = pickled(transformer) if attempt.step.shards > 1 else None
        features = pieces.features(attempt, transformer, raw, rows[name], frame.height, name)
        if name == "train":
            user.keeps_order(transformer, raw, features)
            looked = features.tocsr() if isinstance(features, Ragged) else features
            leak.check(looked, label.values[rows[name]], _names(transformer, features.shape[1]), classes=classes)
        chosen = kept if name == "train" else np.arange(len(part))
        weight = weights if name == "train" else np.ones(len(part), dtype=np.float32)
        _save(attempt, name, features[chosen], label.values[rows[name]][chosen], weight, part[chosen])
        columns = features.shape[1]
        attempt.facts.setdefault("rows", {})[name] = len(chosen)
    attempt.save("preprocessor", packed or pickled(transformer))
    attempt.save_json("signature.json", signature.plain())
    attempt.facts["columns"] = _names(transformer, columns)
    attempt.facts["classes"] = None if label.classes is None else list(label.classes)
    if label.unlearned:
        _tell_unlearned(attempt, label.unlearned)


def _tell_unlearned(attempt: Attempt, unlearned: tuple[str, ...]) -> None:
    shown = ", ".join(unlearned[:5])
    what = f"{len(unlearned)} labels have no training row and are not learned: {shown}"
    attempt.alert(
        Alert(
            "warn", what, f"label {attempt.schema.label}", "Collect more rows with them.", {"labels": list(unlearned)}
        )
    )


def _fitted(attempt: Attempt, signature: Signature, raw: Any) -> Any:
    function = attempt.functions.get("preprocess")
    if function is None:
        options = attempt.config if isinstance(attempt.config, Preprocess) else Preprocess()
        transformer = default.transformer(signature.inputs, raw, options)
    else:
        transformer = user.make(function)
    user.fit(transformer, raw)
    return transformer


def _remedied(attempt: Attempt, train: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Which training rows are kept, and their weights."""
    chosen = attempt.inputs["validate"].facts.get("remedy")
    everyone = np.arange(len(train), dtype=np.int64)
    if chosen == "resample":
        if train.ndim == 2:
            raise BadInput(
                "rows with several labels cannot be drawn so that every label is as frequent",
                where="remedy resample",
                do="Use --remedy reweight.",
            )
        everyone = remedy.resample_rows(train, attempt.seed)
    if chosen == "reweight":
        return everyone, remedy.class_weights(train)
    return everyone, np.ones(len(everyone), dtype=np.float32)


def _own_weights(part: pl.DataFrame) -> NDArray[np.float32]:
    """What rows count that say it of themselves: answers that were served (``noria.collect.policy``)."""
    if WEIGHT not in part.columns:
        return np.ones(part.height, dtype=np.float32)
    return part[WEIGHT].cast(pl.Float32).fill_null(1.0).to_numpy()


def _save(
    attempt: Attempt, name: str, features: Any, truth: NDArray[Any], weights: NDArray[np.float32], part: pl.DataFrame
) -> None:
    path = attempt.scratch / name
    if isinstance(features, np.ndarray):
        _save_array(attempt, f"X.{name}.npy", features)
    else:
        with path.open("wb") as file:
            _save_packed(file, features)
        attempt.save_file(f"X.{name}.npz", path)
    _save_array(attempt, f"y.{name}.npy", truth)
    _save_array(attempt, f"w.{name}.npy", weights)
    part.write_parquet(path)
    attempt.save_file(f"rows.{name}.parquet", path, "application/vnd.apache.parquet")


def _save_packed(file: Any, features: Any) -> None:
    """Several arrays in one file, not compressed, so that each can be mapped."""
    if isinstance(features, Ragged):
        np.savez(file, values=features.values, offsets=features.offsets, widths=np.array(features.widths))
    else:
        features.sort_indices()
        sp.save_npz(file, features, compressed=False)


def _save_array(attempt: Attempt, name: str, values: NDArray[Any]) -> None:
    path = attempt.scratch / "array.npy"
    np.save(path, np.ascontiguousarray(values))
    attempt.save_file(name, path)


def _names(transformer: Any, columns: int) -> list[str]:
    try:
        names = [str(name) for name in transformer.get_feature_names_out()]
    except Exception:  # not every transformer can name what it makes
        names = []
    return names if len(names) == columns else [f"feature {index}" for index in range(columns)]
