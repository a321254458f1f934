"""Files that transformers are given count by what is in them: a changed one runs the step again."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from tokenizers import Tokenizer, models, pre_tokenizers

import noria as nr
from noria import settings
from noria.cli.versions.show import Made, processed_data
from noria.preprocess import given
from noria.run.local import Turn, turn
from noria.run.place import Place, open_place
from noria.store import datasets

FILE = """
from sklearn.compose import ColumnTransformer
import noria as nr

notes = nr.Lifecycle("notes", collect="inbox/*.csv", label="good", tune=nr.Tune(trials=1))


@notes.preprocess
def features():
    return ColumnTransformer([("note", {transformer}, ["note"])])


@notes.train
def model():
    from sklearn.linear_model import LogisticRegression
    return LogisticRegression()
"""
WORDS = ["red", "blue", "boat", "sky"]


def write_vectors(file: Path, scale: float) -> None:
    lines = [f"{word} {scale * place} {1 - place}" for place, word in enumerate(WORDS)]
    file.write_text("\n".join(lines) + "\n")


def write_tokenizer(file: Path, first: int) -> None:
    known = {"[UNK]": 0, **{word: first + place for place, word in enumerate(WORDS)}}
    tokenizer = Tokenizer(models.WordLevel(known, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(file))


def project(folder: Path, transformer: str) -> Path:
    (folder / "inbox").mkdir(parents=True)
    random = np.random.default_rng(0)
    notes = [" ".join(random.choice(WORDS, 3)) for _ in range(300)]
    good = ["yes" if note.count("red") > note.count("blue") else "no" for note in notes]
    pl.DataFrame({"note": notes, "place": range(300), "good": good}).write_csv(folder / "inbox" / "1.csv")
    file = folder / "lifecycle.py"
    file.write_text(FILE.format(transformer=transformer))
    return file


def states(done: Turn) -> list[str]:
    assert done.run.state == "done", done.run.message
    return [done.step(word).state for word in ("collect", "preprocess", "train")]


def processed(place: Place) -> list[Made]:
    with place.store.read() as c:
        version = datasets.versions(c, "notes")[0]
    return processed_data(place, version)


@pytest.mark.parametrize("kind", ["vectors", "tokenizer"])
def test_a_file_that_changed_under_its_name_runs_the_step_again_and_says_so(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {"vectors": "nr.TokenVectors(vectors='given.txt')", "tokenizer": "nr.TokenIndices(3, tokenizer='given.txt')"}
    write = {"vectors": lambda: write_vectors(given_file, 2.0), "tokenizer": lambda: write_tokenizer(given_file, 5)}
    first = {"vectors": lambda: write_vectors(given_file, 1.0), "tokenizer": lambda: write_tokenizer(given_file, 1)}
    folder = tmp_path / "project"
    file, given_file = project(folder, made[kind]), folder / "given.txt"
    monkeypatch.chdir(folder)
    first[kind]()
    place = open_place(settings.load(folder, environ={}))
    assert states(turn(place, file)) == ["done", "done", "done"]
    assert states(turn(place, file)) == ["reused", "reused", "reused"]
    write[kind]()
    done = turn(place, file)
    assert states(done) == ["reused", "done", "done"]
    gone = f"invalid from now on: the processed data of notes@1 (run {done.run.lifecycle}-1)"
    assert done.step("preprocess").why == ["given.txt changed", gone]
    assert [one.state for one in processed(place)] == ["invalid", "valid"]
    first[kind]()
    assert states(turn(place, file)) == ["reused", "reused", "reused"]
    assert [one.state for one in processed(place)] == ["valid", "invalid"], "what is asked for now is what was then"


def test_a_file_is_found_inside_of_other_transformers_and_one_that_is_gone_is_named(tmp_path: Path) -> None:
    file = tmp_path / "v.txt"
    write_vectors(file, 1.0)
    inside = ColumnTransformer([("a", make_pipeline(nr.TokenVectors(vectors=file)), ["note"])])
    assert list(given.digests(inside)) == [str(file)]
    assert given.digests(inside) == given.digests(nr.TokenVectors(vectors=str(file)))
    assert given.digests(nr.TokenIndices(tokenizer="gone.json")) == {"gone.json": given.MISSING}
    assert given.digests(nr.TokenIndices()) == {}
    assert given.digests(object()) == {}


def test_a_hugging_face_tokenizer_gives_its_ids_and_is_kept_with_the_model(tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.json"
    write_tokenizer(file, 1)
    fitted = nr.TokenIndices(4, tokenizer=str(file)).fit([["red"]])
    file.unlink()
    assert fitted.transform([["red sky unheard"], [None]]).tolist() == [[3, 6, 1, 0], [0, 0, 0, 0]]
    assert set(json.loads(fitted.tokenizer_)["model"]["vocab"]) == {"[UNK]", *WORDS}
