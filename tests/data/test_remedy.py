"""Labels out of balance: equal numbers, or equal weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_sample_weight

from noria.data.remedy import class_weights, resample_rows

LABELS = st.lists(st.integers(0, 3), min_size=1, max_size=60).map(lambda values: np.array(values, dtype=np.int64))


@settings(deadline=None)
@given(LABELS, st.integers(0, 99))
def test_resampling_gives_equal_numbers_of_each_label_and_no_row_twice(labels: np.ndarray, seed: int) -> None:
    rows = resample_rows(labels, seed)
    _, counts = np.unique(labels, return_counts=True)
    _, kept = np.unique(labels[rows], return_counts=True)
    assert kept.tolist() == [counts.min()] * len(counts)
    assert (np.diff(rows) > 0).all()
    assert rows.tolist() == resample_rows(labels, seed).tolist()


def test_another_seed_draws_other_rows() -> None:
    labels = np.array([0] * 100 + [1] * 10)
    assert resample_rows(labels, 0).tolist() != resample_rows(labels, 1).tolist()


@settings(deadline=None)
@given(LABELS)
def test_weights_are_scikit_learns_balanced_ones(labels: np.ndarray) -> None:
    weights = class_weights(labels)
    assert weights == pytest.approx(compute_sample_weight("balanced", labels), rel=1e-6)
    assert weights.mean() == pytest.approx(1, rel=1e-5)
