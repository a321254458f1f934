"""Writes inbox/sentences.csv: sentences of docstrings of three installed libraries, their names taken out."""

import re
from importlib import import_module
from pathlib import Path

import polars as pl

MODULES = {
    "scikit-learn": ["sklearn.linear_model", "sklearn.ensemble", "sklearn.preprocessing", "sklearn.metrics",
                     "sklearn.cluster", "sklearn.model_selection"],
    "SQLAlchemy": ["sqlalchemy", "sqlalchemy.orm", "sqlalchemy.sql", "sqlalchemy.types"],
    "SciPy": ["scipy.stats", "scipy.signal", "scipy.optimize", "scipy.ndimage", "scipy.linalg"],
}  # fmt: skip
NAMES = re.compile("scikit-learn|sklearn|sqlalchemy|scipy|sql", re.IGNORECASE)
EACH = 900

rows = []
for library, modules in MODULES.items():
    found: dict[str, str] = {}
    for module in map(import_module, modules):
        for name in sorted(vars(module)):
            text = getattr(vars(module)[name], "__doc__", None)
            if name.startswith("_") or not isinstance(text, str):
                continue
            for sentence in re.split(r"(?<=[.:])\s+", NAMES.sub("it", " ".join(text.split()))):
                if 7 <= len(sentence.split()) <= 40 and "|" not in sentence:
                    found.setdefault(sentence, f"{module.__name__}.{name}")
    rows += [{"object": found[text], "sentence": text, "library": library} for text in sorted(found)[::2][:EACH]]
inbox = Path(__file__).parent / "inbox"
inbox.mkdir(exist_ok=True)
pl.DataFrame(rows).write_csv(inbox / "sentences.csv")
