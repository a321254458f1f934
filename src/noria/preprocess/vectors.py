"""Texts as the mean of their words' vectors."""

import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils.extmath import randomized_svd

from noria.preprocess import graph
from noria.preprocess.cells import Columnwise, at_least, counted
from noria.preprocess.tokens import vocabulary, words

WEIGHTS = ("tfidf", "mean")


class TokenVectors(Columnwise):
    """The mean of the vectors of a text's words: near each other for texts about the same.

    The vectors come from a file, or are trained on the training rows: the truncated singular value decomposition of
    their tf-idf matrix (latent semantic analysis). Words without a vector are let be; a text without any word that has
    one is all zeros, and so is a missing one. Words are found as by ``TokenIndices``.

    Parameters
    ----------
    size
        Features of a column if vectors are trained; fewer if the training rows have fewer words or rows.
    weights
        ``tfidf``: words that are in few training rows count more; ``mean``: all words count the same.
    vectors
        A file: texts of one word and its numbers a line (GloVe, word2vec), or ``.npz`` with arrays ``words`` and
        ``vectors``. A relative path starts at the folder in which noria runs. What is in the file counts for whether
        the step runs again, and the vectors of known words are kept in the package.
    max_size
        Most words of a column that have a vector: the most frequent ones, or the first ones of the file.
    min_count
        A word that is in the training rows fewer times than this gets no trained vector.
    lowercase
        True: large and small letters are the same.
    random_state
        Seed of the decomposition.

    Attributes
    ----------
    vocabulary_
        For each column, the words that have a vector.
    vectors_
        For each column, their vectors, float32 [words, features].
    weights_
        For each column, what an occurrence of each word counts, float32 [words].

    Examples
    --------
    >>> TokenVectors(2, weights="mean").fit_transform([["red boat"], ["blue sky"], ["red sky"]]).shape
    (3, 2)
    """

    FILES = ("vectors",)

    def __init__(
        self,
        size: int = 100,
        *,
        weights: str = "tfidf",
        vectors: str | Path | None = None,
        max_size: int | None = 20_000,
        min_count: int = 1,
        lowercase: bool = True,
        random_state: Any = 0,
    ) -> None:
        self.size = size
        self.weights = weights
        self.vectors = vectors
        self.max_size = max_size
        self.min_count = min_count
        self.lowercase = lowercase
        self.random_state = random_state

    def onnx_shape_calculator(self) -> Any:
        return graph.shapes(whole=False)

    def onnx_converter(self) -> Any:
        return graph.converter(self._written)

    def _written(self, to: graph.Graph, texts: str, place: int) -> str:
        # Row 0 is that of all words without a vector. Gathered, not multiplied by how often each known word is there:
        # for the one row of a request that is a thousand times less to do.
        weights = np.concatenate([[0], self.weights_[place]]).astype(np.float32)[:, None]
        vectors = weights * np.concatenate([np.zeros_like(self.vectors_[place][:1]), self.vectors_[place]])
        tokens = to.tokens(to.lowered(texts) if self.lowercase else texts, tokenexp=graph.WORD)
        known = {word: 1 + number for number, word in enumerate(self.vocabulary_[place])}
        rows = to.node("Mul", to.widened(to.lookup(tokens, known, 0), 1), to.there(texts), version=14)
        gathered = (to.node("Gather", to.constant(table), rows, version=13, axis=0) for table in (vectors, weights))
        words = to.constant(np.array([1]))
        summed, total = (to.node("ReduceSum", one, words, version=13, keepdims=0) for one in gathered)
        least = to.constant(weights[1:].min(keepdims=True)[0])  # only texts without such words have a smaller total
        return to.node("Div", summed, to.node("Max", total, least, version=13), version=14)

    def _check(self) -> None:
        at_least(1, size=self.size, max_size=self.max_size, min_count=self.min_count)
        if self.weights not in WEIGHTS:
            raise ValueError(f"weights is {self.weights!r}; it must be one of {', '.join(WEIGHTS)}")

    def _learn(self, columns: Sequence[list[Any]], names: Sequence[str]) -> None:
        self.vocabulary_: list[list[str]] = []
        self.vectors_: list[NDArray[np.float32]] = []
        self.weights_: list[NDArray[np.float32]] = []
        given = None if self.vectors is None else read(Path(self.vectors), self.max_size)
        for cells, name in zip(columns, names, strict=True):
            rows = [words(cell, self.lowercase) for cell in cells]
            known = given[0] if given else vocabulary(rows, self.min_count, self.max_size, name)
            counts = counted(rows, {word: place for place, word in enumerate(known)})
            rare = np.log((1 + len(rows)) / (1 + counts.getnnz(axis=0))) + 1
            weights = rare if self.weights == "tfidf" else np.ones(len(known))
            self.vocabulary_.append(known)
            self.weights_.append(weights.astype(np.float32))
            self.vectors_.append(given[1] if given else self._trained(counts.multiply(rare).tocsr()))

    def _trained(self, rows: Any) -> NDArray[np.float32]:
        from sklearn.preprocessing import normalize

        size = min(self.size, *rows.shape)
        seed = check_random_state(self.random_state)
        _, scale, words = randomized_svd(normalize(rows), size, n_iter=7, random_state=seed)
        found: NDArray[np.float32] = np.ascontiguousarray((words * scale[:, None]).T, dtype=np.float32)
        return found

    def _block(self, cells: list[Any], place: int) -> Any:
        index = {word: number for number, word in enumerate(self.vocabulary_[place])}
        weighted = (
            counted((words(cell, self.lowercase) for cell in cells), index).multiply(self.weights_[place]).tocsr()
        )
        total = np.asarray(weighted.sum(axis=1)).reshape(-1, 1)
        mean = weighted @ self.vectors_[place].astype(np.float64) / np.where(total > 0, total, 1)
        return mean.astype(np.float32)

    def _parts(self, place: int) -> Iterable[object]:
        return range(self.vectors_[place].shape[1])


def read(file: Path, max_size: int | None) -> tuple[list[str], NDArray[np.float32]]:
    """Words and their vectors [words, size], the first ``max_size`` of a file.

    Raises
    ------
    ValueError
        If the file is not there, holds no vectors, or vectors of different sizes or with NaN.
    """
    try:
        known, vectors = _npz(file) if file.suffix == ".npz" else _lines(file, max_size)
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{file} holds no word vectors that can be read: {error}") from error
    if not known or vectors.ndim != 2 or len(vectors) != len(known) or not np.isfinite(vectors).all():
        raise ValueError(f"{file} must hold one vector of finite numbers, all of one size, for each word")
    first = list(dict.fromkeys(known))[:max_size]
    places = {word: place for place, word in reversed(list(enumerate(known)))}  # of a word that is twice, the first
    return first, np.ascontiguousarray(vectors[[places[word] for word in first]], dtype=np.float32)


def _npz(file: Path) -> tuple[list[str], NDArray[Any]]:
    with np.load(file, allow_pickle=False) as held:
        return [str(word) for word in held["words"]], held["vectors"].astype(np.float32)


def _lines(file: Path, max_size: int | None) -> tuple[list[str], NDArray[Any]]:
    known, vectors = [], []
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            word, *numbers = line.rstrip().split(" ")
            if (number == 0 and len(numbers) == 1) or not numbers:  # word2vec begins with how many there are
                continue
            known.append(word)
            vectors.append(np.array(numbers, dtype=np.float32))
            if len(known) == max_size:
                break
    return known, np.array(vectors)
