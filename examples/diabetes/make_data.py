"""Writes inbox/patients.csv: the 442 patients of scikit-learn's load_diabetes, in their own units."""

from pathlib import Path

import polars as pl
from sklearn.datasets import load_diabetes

inbox = Path(__file__).parent / "inbox"
inbox.mkdir(exist_ok=True)
data = load_diabetes(scaled=False)
columns = dict(zip(data.feature_names, data.data.T, strict=True))
pl.DataFrame({**columns, "progression": data.target}).write_csv(inbox / "patients.csv")
