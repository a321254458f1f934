"""noria init NAME: scaffold a project that runs."""

from pathlib import Path
from typing import Annotated

import typer

from noria.cli import output
from noria.errors import UserError
from noria.lifecycle import NAME

app = output.app("Scaffold a project that runs.")

LIFECYCLE = '''"""{name}: one file, from arriving data to a model service."""

from sklearn.linear_model import LogisticRegression

import noria as nr

lifecycle = nr.Lifecycle(
    "{name}",
    collect="inbox/*.csv",  # every new file here is one batch
    schema=nr.Schema(
        label="income",  # what to predict
        subject="person",  # rows of one person stay in one split
        protected=["sex", "race"],  # the model must not discriminate by these
        positive=">50K",  # the favourable answer
    ),
    validate=nr.Validate(label_shift=0.1),  # stop if a label's share moves by ten points
    tune=nr.Tune({{"C": nr.loguniform(1e-3, 1e1)}}, trials=5),
    analyze=nr.Analyze(slices=["education"]),
    release=nr.Release(
        gates=[
            nr.better_than_champion("roc_auc"),
            nr.fair("demographic_parity_difference", max=0.3, on=["sex"]),
        ]
    ),
)


@lifecycle.train
def model(params):
    return LogisticRegression(C=params["C"], max_iter=300)
'''

README = """# {name}

`lifecycle.py` says how data that arrive in `inbox/` become a model that is served, and when it may be replaced.

    noria run lifecycle.py             turn the wheel: collect, validate, ..., release, deploy
    noria run lifecycle.py --explain   again: nothing changed, everything is reused; it says so
    noria serve                        answer requests on http://127.0.0.1:8080
    noria data log                     versions of the data
    noria model list                   versions of the model
    noria trace model {name}@1         all that version 1 came from

Put another CSV file into `inbox/` and run again: it becomes a new batch and a new version.
Everything that noria keeps is in `.noria/`.

The sample in `inbox/` is the first 3,000 rows of "Adult" (Barry Becker and Ronny Kohavi, 1996, UCI Machine Learning
Repository, DOI 10.24432/C5XW20, CC BY 4.0), with person ids made from the order of rows.
"""
SETTINGS = """# Settings of this project; NORIA_HOME, NORIA_DB, NORIA_ARTIFACTS and NORIA_ALERTS go before them.
# home = ".noria"                                  # folder of everything local
# db = "postgresql+psycopg://noria@db/noria"       # where several machines work together
# artifacts = "s3://bucket/prefix"
# alerts = ["mailto://user:password@example.org"]  # whom to tell when a gate stops a run: any Apprise URL
"""
ROWS = 3000


@app.command()
def init(
    name: Annotated[str, typer.Argument(help="The lifecycle's name, and the folder that is made.")],
    json: Annotated[bool, typer.Option("--json", help="Print what was made as JSON.")] = False,
) -> None:
    """Make a folder with a lifecycle file, sample data and a README."""
    if not NAME.fullmatch(name):
        raise UserError(
            f"{name!r} is not a name", where="noria init", do="Use lower-case letters, digits, '-' and '_'."
        )
    folder = Path(name)
    if folder.exists() or folder.is_symlink():
        raise UserError("the folder is there already", where=str(folder), do="Choose another name, or remove it.")
    from noria.demo import waves

    (folder / "inbox").mkdir(parents=True)
    (folder / "lifecycle.py").write_text(LIFECYCLE.format(name=name))
    (folder / "README.md").write_text(README.format(name=name))
    (folder / "noria.toml").write_text(SETTINGS)
    (folder / ".gitignore").write_text(".noria/\n")
    waves.people().head(ROWS).write_csv(folder / "inbox" / "sample.csv")
    made = ["lifecycle.py", "README.md", "noria.toml", ".gitignore", "inbox/sample.csv"]
    if json:
        output.show_json({"folder": str(folder), "files": made})
    else:
        output.say(f"Made {folder}/ with {', '.join(made)}.\nNext: cd {folder} && noria run lifecycle.py")


def command(words: list[str]) -> int:
    return output.run_app(app, "init", words)
