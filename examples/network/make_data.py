"""Writes inbox/wines.csv: 178 wines of three cultivars, 13 measurements each; from scikit-learn."""

from pathlib import Path

from sklearn.datasets import load_wine

data = load_wine(as_frame=True)
table = data.data.assign(cultivar=[f"cultivar {place}" for place in data.target])
inbox = Path(__file__).parent / "inbox"
inbox.mkdir(exist_ok=True)
table.to_csv(inbox / "wines.csv", index=False)
