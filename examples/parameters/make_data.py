"""Writes inbox/functions.jsonl: public functions of three installed libraries, their common parameters as a list."""

import inspect
import json
import re
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

MODULES = {
    "scikit-learn": ["sklearn.linear_model", "sklearn.ensemble", "sklearn.preprocessing", "sklearn.metrics",
                     "sklearn.cluster", "sklearn.model_selection", "sklearn.decomposition", "sklearn.datasets",
                     "sklearn.svm", "sklearn.neighbors", "sklearn.feature_selection", "sklearn.naive_bayes"],
    "NumPy": ["numpy", "numpy.linalg", "numpy.ma", "numpy.fft"],
    "SciPy": ["scipy.stats", "scipy.signal", "scipy.optimize", "scipy.ndimage", "scipy.linalg", "scipy.fft"],
}  # fmt: skip
COMMON = 10  # parameters that are labels

rows: list[dict[str, Any]] = []
texts: set[str] = set()
for library, modules in MODULES.items():
    seen = set()
    for module in map(import_module, modules):
        for name in sorted(set(vars(module)) - seen):
            thing = vars(module)[name]
            if name.startswith("_") or not callable(thing) or not isinstance(thing.__doc__, str):
                continue
            seen.add(name)
            try:
                parameters = list(inspect.signature(thing).parameters)
            except (TypeError, ValueError):  # not every built-in function says
                continue
            about = thing.__doc__.partition("Parameters\n")[0]
            sections = re.findall(r"^ *(\w[\w ]*)\n *-{4,}$", thing.__doc__, re.MULTILINE)
            text = " ".join(re.sub(r"[`|*]", " ", about.split("\n\n", 1)[-1] or about).split())[:600]
            if text not in texts:  # aliases, and what says no more than another
                texts.add(text)
                rows.append({"library": library, "about": text, "sections": sections, "parameters": parameters})
frequent = Counter(one for row in rows for one in row["parameters"])
labels = {name for name, _ in frequent.most_common(COMMON)}
inbox = Path(__file__).parent / "inbox"
inbox.mkdir(exist_ok=True)
with (inbox / "functions.jsonl").open("w") as file:
    for row in rows:
        row["parameters"] = sorted(labels.intersection(row["parameters"]))
        file.write(json.dumps(row) + "\n")
