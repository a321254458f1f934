"""A version at its release: its answers to the analysis rows, and the profile of what it learned from."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from noria.data.profile import Profile
from noria.digest import Digest
from noria.feedback.estimate import Calibration, calibrated
from noria.store import datasets, registry, runs
from noria.store.artifacts import ArtifactStore
from noria.store.engine import Store


@dataclass(frozen=True, slots=True)
class Reference:
    """A version at release.

    Attributes
    ----------
    scores, truth
        Its answers to the analysis rows and their labels, as in ``Answers``; None if they are gone, such as after an
        erasure.
    profile
        Statistics of the dataset version it learned from; None if they are gone.
    metrics
        Its metrics on the analysis rows.
    """

    scores: NDArray[np.float64] | None
    truth: NDArray[Any] | None
    profile: Profile | None
    metrics: Mapping[str, float]

    def calibration(self, task: str) -> Calibration:
        """What its probabilities mean; as they are said where that cannot be learned."""
        if task != "classification" or self.scores is None or self.truth is None:
            return Calibration()
        return calibrated(self.scores, self.truth.astype(np.int64))


def load(store: Store, artifacts: ArtifactStore, model: str, number: int) -> Reference | None:
    """A version at release; None if no such version is registered."""
    with store.read() as c:
        version = next((one for one in registry.versions(c, model) if one.number == number), None)
        if version is None:
            return None
        data = next(
            (one for one in datasets.versions(c, version.dataset) if one.number == version.dataset_version), None
        )
        step = next((one for one in runs.steps(c, version.run_id) if one.step == "analyze"), None)
        outputs = {} if step is None else runs.result(c, step.id).outputs
    found = outputs.get("predictions.parquet")
    raw = None if found is None else _bytes(artifacts, found.digest)
    scores, truth = (None, None) if raw is None else _answers(raw)
    kept = None if data is None or data.profile is None else _bytes(artifacts, Digest(data.profile))
    profile = None if kept is None else Profile.from_json(json.loads(kept))
    return Reference(scores, truth, profile, version.metrics)


def _bytes(artifacts: ArtifactStore, digest: Digest) -> bytes | None:
    return artifacts.get(digest) if artifacts.has(digest) else None


def _answers(raw: bytes) -> tuple[NDArray[np.float64], NDArray[Any]]:
    frame = pl.read_parquet(io.BytesIO(raw))
    if "value" in frame.columns:
        return frame["value"].to_numpy().astype(np.float64), frame["y"].to_numpy()
    p = frame.select(name for name in frame.columns if name.startswith("p"))
    y = frame.select(name for name in frame.columns if name.startswith("y"))
    return p.to_numpy().astype(np.float64), y.to_numpy() if y.width > 1 else y.to_series().to_numpy()
