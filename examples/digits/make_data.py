"""Writes inbox/digits.csv: the 1,797 images of scikit-learn's load_digits, one a row."""

from pathlib import Path

import polars as pl
from sklearn.datasets import load_digits

inbox = Path(__file__).parent / "inbox"
inbox.mkdir(exist_ok=True)
digits = load_digits()
pixels = {f"row{place // 8}_column{place % 8}": digits.data[:, place] for place in range(64)}
pl.DataFrame({**pixels, "digit": digits.target}).write_csv(inbox / "digits.csv")
