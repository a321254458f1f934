"""Writes inbox/functions.csv: public functions and classes of three installed libraries, with their parameters."""

import inspect
from importlib import import_module
from pathlib import Path

import polars as pl

MODULES = {
    "scikit-learn": ["sklearn.linear_model", "sklearn.ensemble", "sklearn.preprocessing", "sklearn.metrics",
                     "sklearn.cluster", "sklearn.model_selection", "sklearn.decomposition", "sklearn.datasets"],
    "NumPy": ["numpy", "numpy.linalg", "numpy.ma"],
    "SciPy": ["scipy.stats", "scipy.signal", "scipy.optimize", "scipy.ndimage", "scipy.linalg", "scipy.special"],
}  # fmt: skip

rows = []
for library, modules in MODULES.items():
    seen = set()
    for module in map(import_module, modules):
        for name in sorted(set(vars(module)) - seen):
            thing = vars(module)[name]
            if name.startswith("_") or not callable(thing):
                continue
            seen.add(name)
            try:
                parameters = list(inspect.signature(thing).parameters)
            except (TypeError, ValueError):  # not every built-in function says
                continue
            rows.append({"name": name, "parameters": "|".join(parameters) or None, "library": library})
inbox = Path(__file__).parent / "inbox"
inbox.mkdir(exist_ok=True)
pl.DataFrame(rows, schema_overrides={"parameters": pl.String}).write_csv(inbox / "functions.csv")
