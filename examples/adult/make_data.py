"""Writes inbox/people.csv: 8,000 of the people that ship with noria ("Adult", UCI, CC BY 4.0)."""

from importlib.resources import as_file, files
from pathlib import Path

import polars as pl

inbox = Path(__file__).parent / "inbox"
inbox.mkdir(exist_ok=True)
with as_file(files("noria.demo") / "adult.parquet") as file:
    people = pl.read_parquet(file).sample(8000, seed=0)
people.with_row_index("person").write_csv(inbox / "people.csv")
