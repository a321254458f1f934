"""Words of a text as numbers, for models that read word by word."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from noria.preprocess import graph
from noria.preprocess.cells import Columnwise, at_least, frequent, is_list, text_of
from noria.preprocess.characters import FIRST, UNKNOWN, as_features

WORD = re.compile(r"\w+")


class TokenIndices(Columnwise):
    """The first words of a text as indices: 0 after its end, 1 for words unknown, 2 and up for the others.

    A word is a run of letters, digits and underscores; a cell that is a list is taken as words as they are. A cell that
    is missing is a text without words.

    Parameters
    ----------
    length
        How many words count; the number of features of a column, int64.
    max_size
        Most words that have an index, the most frequent ones.
    min_count
        A word that is in the training rows fewer times than this gets no index of its own.
    lowercase
        True: large and small letters are the same.
    tokenizer
        A ``tokenizer.json`` of Hugging Face ``tokenizers`` (the extra ``text``) instead of a vocabulary of the training
        rows: its ids, 2 more each. A relative path starts at the folder in which noria runs. What is in the file
        counts for whether the step runs again, and is kept in the package.
    ragged_output
        True: the same features as ``noria.model.ragged.Ragged``, which keeps no padding: for texts of very different
        lengths.

    Attributes
    ----------
    vocabulary_
        For each column, its words in the order of their indices; empty with a tokenizer.

    Examples
    --------
    >>> TokenIndices(4).fit_transform([["the cat the dog"], ["The fish"]])
    array([[2, 3, 2, 4],
           [2, 5, 0, 0]])
    """

    FILES = ("tokenizer",)

    def __init__(
        self,
        length: int = 64,
        *,
        max_size: int | None = 20_000,
        min_count: int = 1,
        lowercase: bool = True,
        tokenizer: str | Path | None = None,
        ragged_output: bool = False,
    ) -> None:
        self.length = length
        self.max_size = max_size
        self.min_count = min_count
        self.lowercase = lowercase
        self.tokenizer = tokenizer
        self.ragged_output = ragged_output

    def onnx_shape_calculator(self) -> Any:
        return graph.shapes(whole=True)

    def onnx_converter(self) -> Any:
        if self.tokenizer_:
            raise NotImplementedError("a Hugging Face tokenizer has no ONNX")
        return graph.converter(self._written)

    def _written(self, to: graph.Graph, texts: str, place: int) -> str:
        tokens = to.tokens(to.lowered(texts) if self.lowercase else texts, tokenexp=graph.WORD)
        return to.indices(tokens, texts, self.vocabulary_[place], self.length)

    def _check(self) -> None:
        at_least(1, length=self.length, max_size=self.max_size, min_count=self.min_count)

    def _learn(self, columns: Sequence[list[Any]], names: Sequence[str]) -> None:
        self.vocabulary_: list[list[str]] = []
        self.tokenizer_ = "" if self.tokenizer is None else _read(Path(self.tokenizer))
        if not self.tokenizer_:
            for cells, name in zip(columns, names, strict=True):
                rows = (words(cell, self.lowercase) for cell in cells)
                self.vocabulary_.append(vocabulary(rows, self.min_count, self.max_size, name))

    def _block(self, cells: list[Any], place: int) -> Any:
        if self.tokenizer_:
            found = _encoded(self.tokenizer_, [text_of(cell) or "" for cell in cells])
        else:
            index = {word: FIRST + number for number, word in enumerate(self.vocabulary_[place])}
            rows = (words(cell, self.lowercase)[: self.length] for cell in cells)
            found = [[index.get(word, UNKNOWN) for word in row] for row in rows]
        return as_features(found, self.length, ragged=self.ragged_output)

    def _parts(self, place: int) -> Iterable[object]:
        return range(self.length)


def words(cell: Any, lowercase: bool) -> list[str]:
    """The words of a cell."""
    if is_list(cell):
        found = [text for text in map(text_of, cell) if text]
        return [word.lower() for word in found] if lowercase else found
    text = text_of(cell) or ""
    return WORD.findall(text.lower() if lowercase else text)


def vocabulary(rows: Iterable[list[str]], min_count: int, max_size: int | None, name: str) -> list[str]:
    """The words that count, most frequent first.

    Raises
    ------
    ValueError
        If there are none.
    """
    found = Counter(word for row in rows for word in row)
    if not found:
        raise ValueError(f"{name} has no word in any training row; leave it out")
    kept = frequent(found, min_count, max_size)
    if not kept:
        raise ValueError(f"{name} has no word {min_count} or more times in the training rows; lower min_count")
    return kept


def _read(file: Path) -> str:
    try:
        text = file.read_text()
        _loaded(text)
    except ImportError as error:
        raise ValueError(f"the tokenizer {file} needs tokenizers: pip install 'noria[text]'") from error
    except Exception as error:  # the library raises bare exceptions
        raise ValueError(f"{file} is no readable tokenizer: {error}") from error
    return text


@lru_cache(maxsize=8)
def _loaded(text: str) -> Any:
    from importlib import import_module

    return import_module("tokenizers").Tokenizer.from_str(text)  # by name: types are checked where it is not installed


def _encoded(text: str, texts: list[str]) -> list[list[int]]:
    tokenizer = _loaded(text)
    unknown = _unknown(tokenizer)
    found = tokenizer.encode_batch(texts, add_special_tokens=False)
    return [[UNKNOWN if number == unknown else FIRST + number for number in one.ids] for one in found]


def _unknown(tokenizer: Any) -> int | None:
    token = getattr(tokenizer.model, "unk_token", None)
    return None if token is None else tokenizer.token_to_id(token)
