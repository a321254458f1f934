"""Small projects for tests: a lifecycle file, a helper module, made-up loan applications with a label to learn."""

from pathlib import Path

import numpy as np
import polars as pl

LIFECYCLE = """
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import noria as nr
from features import NUMBERS, clean_age

loans = nr.Lifecycle(
    "loans",
    collect="inbox/*.csv",
    schema=nr.Schema(label="approved", subject="applicant", protected=["sex"], positive="yes"),
    validate=nr.Validate(label_shift=0.1),
    tune=nr.Tune({"C": nr.choice(0.1, 1.0)}, sampler="grid", metric="roc_auc"),
    analyze=nr.Analyze(slices=["job"], sensitivity=0.01),
    release=nr.Release(gates=[nr.at_least("roc_auc", 0.6)]),
)


@loans.preprocess
def features():
    numbers = Pipeline([("clean", FunctionTransformer(clean_age)), ("scale", StandardScaler())])
    return ColumnTransformer([("numbers", numbers, NUMBERS), ("jobs", OneHotEncoder(handle_unknown="ignore"), ["job"])])


@loans.train
def model(params):
    return LogisticRegression(C=params["C"])
""".replace(
    "import OneHotEncoder, StandardScaler", "import FunctionTransformer, OneHotEncoder, StandardScaler"
).replace("import LogisticRegression\n", "import LogisticRegression\nfrom sklearn.pipeline import Pipeline\n", 1)
FEATURES = '''"""What is done to raw columns."""

NUMBERS = ["age", "amount"]


def clean_age(table):
    return table.clip(0, LIMIT)


LIMIT = 100


def unrelated():
    return 1
'''


def rows(count: int, *, seed: int = 0, approved: float = 0.5, first: int = 0) -> pl.DataFrame:
    """Loan applications; ``approved`` is the share of the label yes."""
    random = np.random.default_rng(seed)
    label = random.permutation(np.arange(count) < round(count * approved))
    return pl.DataFrame(
        {
            "applicant": [f"a{first + place:06d}" for place in range(count)],
            "age": np.clip(random.normal(40, 12, count) + 8 * label, 18, 90).round(),
            "amount": (random.normal(50, 15, count) - 10 * label).round(2),
            "job": random.choice(["clerk", "nurse", "smith"], count),
            "sex": random.choice(["f", "m"], count),
            "approved": np.where(label, "yes", "no"),
        }
    )


def write(folder: Path, *, count: int = 600, approved: float = 0.5) -> Path:
    """A project with one file in its inbox; the lifecycle file."""
    (folder / "inbox").mkdir(parents=True)
    rows(count, approved=approved).write_csv(folder / "inbox" / "1.csv")
    (folder / "features.py").write_text(FEATURES)
    file = folder / "lifecycle.py"
    file.write_text(LIFECYCLE)
    return file


def arrive(folder: Path, name: str, **options: float) -> None:
    """Another file in the inbox, of other people."""
    count = int(options.pop("count", 300))
    frame = rows(count, seed=len(name) + 7, first=100_000, **options)  # type: ignore[arg-type]
    frame.write_csv(folder / "inbox" / f"{name}.csv")


def change(file: Path, before: str, after: str) -> None:
    """Edit a file; the text to be replaced must be there."""
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))
