"""Lists, characters and words as numbers: hand-computed cases, and laws."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import noria as nr

VALUES = st.text("abé日 _-", min_size=1, max_size=4).map(str.strip).filter(bool)
LISTS = st.lists(st.lists(VALUES, max_size=5), min_size=1, max_size=12).filter(lambda rows: any(rows))
TEXTS = st.lists(st.text("abcABC é日.,_ ", max_size=12), min_size=1, max_size=12)


def column(cells: list[Any]) -> pd.DataFrame:
    return pd.DataFrame({"x": pd.Series(cells, dtype=object)})


@given(LISTS)
def test_lists_and_texts_of_them_have_the_same_features_which_say_what_is_in_them(rows: list[list[str]]) -> None:
    fitted = nr.MultiHot().fit(column(rows))
    found = fitted.transform(column(rows))
    assert [{fitted.values_[0][place] for place in np.flatnonzero(row)} for row in found] == [set(row) for row in rows]
    assert set(np.unique(found)) <= {0, 1}
    for other in ([" | ".join(row) for row in rows], [set(row) for row in rows], [np.array(row) for row in rows]):
        assert np.array_equal(fitted.transform(column(other)), found)
    thin = nr.MultiHot(sparse_output=True).fit_transform(column(rows))
    assert sparse.issparse(thin)
    assert np.array_equal(thin.toarray(), found)


def test_values_never_seen_in_training_are_ignored_and_counted() -> None:
    fitted = nr.MultiHot(unseen="count", min_count=2).fit(column(["a|b", "b|a|rare", "b"]))
    assert fitted.get_feature_names_out().tolist() == ["x_a", "x_b", "x_unseen"]
    new = column(["a|new|rare", "new", None, "b||b"])
    assert fitted.transform(new).tolist() == [[1, 0, 2], [0, 0, 1], [0, 0, 0], [0, 1, 0]]
    assert fitted.unseen_in(new) == {"x": {"new": 2, "rare": 1}}


@given(TEXTS, st.integers(1, 8))
def test_characters_can_be_read_back_from_their_indices(texts: list[str], length: int) -> None:
    fitted = nr.CharIndices(length, alphabet="cbaé日 ").fit(column(texts))
    back = ["".join("\0?cbaé日 "[index] for index in row).rstrip("\0") for row in fitted.transform(column(texts))]
    assert back == ["".join(char if char in "cbaé日 " else "?" for char in text[:length]) for text in texts]


def test_frequent_characters_have_low_indices_and_rare_ones_none() -> None:
    fitted = nr.CharIndices(3, min_count=2).fit(column(["bbba", "az"]))
    assert fitted.alphabet_ == ["ba"]
    assert fitted.transform(column(["abz"])).tolist() == [[3, 2, 1]]


def test_words_are_known_from_training_and_counted_there() -> None:
    train = column(["The cat, the DOG!", "the cat", "été x_1 été"])
    fitted = nr.TokenIndices(4, max_size=3).fit(train)
    assert fitted.vocabulary_ == [["the", "cat", "été"]]
    assert fitted.transform(column(["Dog THE été?", "", ["cat", "the"]])).tolist() == [
        [1, 2, 4, 0], [0, 0, 0, 0], [3, 2, 0, 0],
    ]  # fmt: skip
    assert nr.TokenIndices(lowercase=False).fit(train).vocabulary_[0][:4] == ["cat", "the", "été", "DOG"]


@given(TEXTS.filter(lambda texts: any(char.isalnum() for text in texts for char in text)))
def test_a_text_is_the_weighted_mean_of_its_words(texts: list[str]) -> None:
    fitted = nr.TokenVectors(4).fit(column(texts))
    vectors = dict(zip(fitted.vocabulary_[0], fitted.vectors_[0].astype(float), strict=True))
    weights = dict(zip(fitted.vocabulary_[0], fitted.weights_[0].astype(float), strict=True))
    for text, found in zip(texts, fitted.transform(column(texts)), strict=True):
        every = text.lower().replace(",", " ").replace(".", " ").split()
        want = sum((weights[word] * vectors[word] for word in every), np.zeros(fitted.vectors_[0].shape[1]))
        assert found == pytest.approx(want / (sum(weights[word] for word in every) or 1), abs=1e-5)


def test_trained_vectors_put_texts_about_the_same_beside_each_other() -> None:
    sea, sky = ["boat sails on water", "water and boat", "fish in water"], ["plane flies in clouds", "clouds and plane"]
    found = nr.TokenVectors(2).fit_transform(column(sea + sky))
    near = found / np.linalg.norm(found, axis=1, keepdims=True)
    alike = near @ near.T
    assert alike[0, 1] > alike[0, 3]
    assert alike[3, 4] > alike[3, 1]


@pytest.mark.parametrize("kind", ["lines", "word2vec", "npz"])
def test_vectors_are_read_from_a_file(tmp_path: Path, kind: str) -> None:
    file = tmp_path / ("vectors.npz" if kind == "npz" else "vectors.txt")
    if kind == "npz":
        np.savez(file, words=np.array(["red", "blue"]), vectors=np.array([[1.0, 0], [0, 2]]))
    else:
        file.write_text(("2 2\n" if kind == "word2vec" else "") + "red 1 0\nblue 0 2\n")
    fitted = nr.TokenVectors(vectors=file, weights="mean").fit(column(["whatever"]))
    assert fitted.transform(column(["Red red blue house", "house"])).tolist() == [
        pytest.approx([2 / 3, 2 / 3]), [0, 0],
    ]  # fmt: skip
    assert nr.TokenVectors(vectors=file, max_size=1).fit(column(["x"])).vocabulary_ == [["red"]]


@pytest.mark.parametrize(
    "content", [None, "", "red 1 2\nblue 1", "red one two", "red 1 nan", b"\xff\xfe\x00"], ids=repr
)
def test_a_file_without_vectors_is_one_sentence(tmp_path: Path, content: Any) -> None:
    file = tmp_path / "vectors.txt"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=r"vectors\.txt (holds no word vectors|must hold one vector)") as caught:
        nr.TokenVectors(vectors=file).fit(column(["red"]))
    assert "\n" not in str(caught.value)


def test_a_tokenizer_file_gives_its_ids_two_more(tmp_path: Path) -> None:
    library = pytest.importorskip("tokenizers")
    made = library.Tokenizer(library.models.WordLevel({"red": 0, "boat": 1, "[UNK]": 2}, unk_token="[UNK]"))
    made.pre_tokenizer = library.pre_tokenizers.Whitespace()
    made.save(str(tmp_path / "tokenizer.json"))
    fitted = nr.TokenIndices(4, tokenizer=tmp_path / "tokenizer.json").fit(column(["red"]))
    assert fitted.transform(column(["red boat sky", None])).tolist() == [[2, 3, 1, 0], [0, 0, 0, 0]]


def test_a_tokenizer_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match=r"tokenizer\.json (is no readable tokenizer|needs the library tokenizers)"):
        nr.TokenIndices(tokenizer=tmp_path / "tokenizer.json").fit(column(["red"]))
