"""Characters of a text as numbers, for models that read letter by letter."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from noria.model.ragged import Ragged
from noria.preprocess import graph
from noria.preprocess.cells import Columnwise, at_least, frequent, text_of

UNKNOWN, FIRST = 1, 2  # 0 is behind the end


class CharIndices(Columnwise):
    """The first characters of a text as indices: 0 after its end, 1 for characters unknown, 2 and up for the others.

    A cell that is missing is a text without characters.

    Parameters
    ----------
    length
        How many characters count; the number of features of a column, int64.
    alphabet
        The characters that have an index, in that order; None: those of the training rows, most frequent first.
    min_count
        A character that is in the training rows fewer times than this gets no index of its own.
    ragged_output
        True: the same features as ``noria.model.ragged.Ragged``, which keeps no padding: for texts of very different
        lengths.

    Attributes
    ----------
    alphabet_
        For each column, its characters in the order of their indices.

    Examples
    --------
    >>> CharIndices(4, alphabet="abc").fit_transform([["cab"], ["a?"]])
    array([[4, 2, 3, 0],
           [2, 1, 0, 0]])
    """

    def __init__(
        self, length: int = 32, *, alphabet: str | None = None, min_count: int = 1, ragged_output: bool = False
    ) -> None:
        self.length = length
        self.alphabet = alphabet
        self.min_count = min_count
        self.ragged_output = ragged_output

    def onnx_shape_calculator(self) -> Any:
        return graph.shapes(whole=True)

    def onnx_converter(self) -> Any:
        return graph.converter(self._written)

    def _written(self, to: graph.Graph, texts: str, place: int) -> str:
        return to.indices(to.tokens(texts, separators=[""]), texts, self.alphabet_[place], self.length)

    def _check(self) -> None:
        at_least(1, length=self.length, min_count=self.min_count)
        if self.alphabet is not None and len(set(self.alphabet)) < max(len(self.alphabet), 1):
            raise ValueError("alphabet is empty or holds a character twice; give each character once")

    def _learn(self, columns: Sequence[list[Any]], names: Sequence[str]) -> None:
        self.alphabet_: list[str] = []
        for cells, name in zip(columns, names, strict=True):
            if self.alphabet is None:
                found = Counter(char for cell in cells for char in (text_of(cell) or ""))
                kept = "".join(frequent(found, self.min_count, None))
            else:
                kept = self.alphabet
            if not kept:
                raise ValueError(f"{name} has no character {self.min_count} or more times in the training rows")
            self.alphabet_.append(kept)

    def _block(self, cells: list[Any], place: int) -> Any:
        index = {char: FIRST + number for number, char in enumerate(self.alphabet_[place])}
        found = [[index.get(char, UNKNOWN) for char in (text_of(cell) or "")[: self.length]] for cell in cells]
        return as_features(found, self.length, ragged=self.ragged_output)

    def _parts(self, place: int) -> Iterable[object]:
        return range(self.length)


def as_features(rows: Sequence[list[int]], length: int, *, ragged: bool) -> Any:
    """The first indices of each row, int64 [n, length], with 0 after the last; padded, or as ``Ragged``."""
    found = Ragged.of_lists(rows, length)
    return found if ragged else found.toarray()
