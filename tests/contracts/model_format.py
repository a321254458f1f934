"""What every model format must do; a format's tests subclass this and supply packages of their kind."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from noria.digest import Digest
from noria.errors import BadInput, Damaged, NoriaError
from noria.model import package
from noria.model.package import Package
from noria.model.signature import Field, Signature

FIELDS = (Field("age", "number"), Field("job", "category"), Field("vip", "bool"))
TWO = Signature(FIELDS, ("no", "yes"), "paid", "yes")
THREE = Signature(FIELDS, ("maybe", "no", "yes"), "paid", "yes")
NUMBER = Signature(FIELDS, None, "paid")

ELSEWHERE = """
import json, sys
import numpy as np
from pathlib import Path
from noria.digest import Digest
from noria.model import package
packed = package.read(Path(sys.argv[1]), Digest(sys.argv[2]))
columns = {name: np.array(values, dtype=object) for name, values in json.load(sys.stdin).items()}
found = packed.predictor().predict(columns)
label = None if found.label is None else found.label.tolist()
json.dump({"label": label, "scores": np.asarray(found.scores, dtype=np.float64).tolist()}, sys.stdout)
"""


def learned(count: int = 300) -> dict[str, Any]:
    """Raw columns to learn from, without anything odd."""
    random = np.random.default_rng(0)
    return {
        "age": random.normal(40, 10, count).astype(np.float32),
        "job": random.choice(np.array(["clerk", "nurse", "smith"], dtype=object), count),
        "vip": random.integers(0, 2, count).astype(np.float32),
    }


def truth(columns: dict[str, Any]) -> Any:
    """0 or 1, by all columns and chance."""
    hidden = columns["age"] / 10 + 2 * (columns["job"] == "smith") + columns["vip"]
    return (hidden + np.random.default_rng(1).normal(0, 1, len(hidden)) > np.median(hidden)).astype(np.int64)


ASKED: dict[str, list[Any]] = {  # what a server is sent: missing and unseen values among it
    "age": [18, 40.5, 90, None, 40, -5, 1e6],
    "job": ["smith", "nurse", "clerk", "smith", None, "astronaut", ""],
    "vip": [True, False, None, True, 1, 0, False],
}


def asked() -> dict[str, Any]:
    return {name: np.array(values, dtype=object) for name, values in ASKED.items()}


class ModelFormatContract:
    kind: str

    def make(self, signature: Signature, classes: tuple[int, ...]) -> Package:
        """Fit and pack a model of that signature. The labels of its training rows are ``classes[truth(...)]``."""
        raise NotImplementedError("each format supplies itself")

    @pytest.fixture(scope="class")
    def packages(self) -> dict[str, Package]:
        return {
            "two classes": self.make(TWO, (0, 1)),
            "a class it never saw": self.make(THREE, (0, 2)),
            "a number": self.make(NUMBER, (3, 7)),
        }

    @pytest.fixture(scope="class", params=["two classes", "a class it never saw", "a number"])
    def packed(self, request: pytest.FixtureRequest, packages: dict[str, Package]) -> Package:
        return packages[request.param]

    def test_a_fresh_process_answers_the_same_to_the_last_digit(self, packed: Package, tmp_path: Path) -> None:
        file = tmp_path / "model"
        digest = package.write(file, packed)
        here = replace(packed, trusted=True).predictor().predict(asked())
        done = subprocess.run(
            [sys.executable, "-c", ELSEWHERE, str(file), digest.hex],
            input=json.dumps(ASKED), capture_output=True, text=True, check=True,
        )  # fmt: skip
        there = json.loads(done.stdout)
        assert there["label"] == (None if here.label is None else here.label.tolist())
        assert there["scores"] == np.asarray(here.scores, dtype=np.float64).tolist()

    def test_the_same_model_has_the_same_bytes(self, packed: Package) -> None:
        classes = {None: (3, 7), 2: (0, 1), 3: (0, 2)}
        count = None if packed.signature.classes is None else len(packed.signature.classes)
        again = self.make(packed.signature, classes[count])
        differing = [name for name in packed.files if packed.files[name] != again.files[name]]
        assert differing == []
        assert again.to_bytes() == packed.to_bytes()
        assert package.from_bytes(packed.to_bytes()).to_bytes() == packed.to_bytes()

    def test_what_is_read_is_what_was_written(self, packed: Package, tmp_path: Path) -> None:
        digest = package.write(tmp_path / "model", packed)
        assert digest == Digest.of(packed.to_bytes())
        found = package.read(tmp_path / "model", digest)
        assert found == replace(packed, trusted=True)
        assert found.kind == self.kind

    def test_the_label_is_the_most_probable_class_and_the_columns_are_in_order(
        self, packages: dict[str, Package]
    ) -> None:
        for name in ("two classes", "a class it never saw"):
            found = replace(packages[name], trusted=True).predictor().predict(asked())
            assert found.probability is not None
            assert found.label is not None
            classes = packages[name].signature.classes or ()
            assert found.probability.dtype == np.float32
            assert found.probability.shape == (7, len(classes))
            assert found.probability.sum(axis=1) == pytest.approx(1, abs=1e-5)
            assert found.label.tolist() == [classes[place] for place in found.probability.argmax(axis=1)]
        assert (found.probability[:, 1] == 0).all()

    def test_it_has_learned_which_class_is_which(self, packages: dict[str, Package]) -> None:
        columns = learned()
        y = truth(columns)
        for name, wanted in (("two classes", ("no", "yes")), ("a class it never saw", ("maybe", "yes"))):
            said = replace(packages[name], trusted=True).predictor().predict(columns).label
            assert said is not None
            assert np.mean(said == np.array(wanted, dtype=object)[y]) > 0.75
        value = replace(packages["a number"], trusted=True).predictor().predict(columns).value
        assert value is not None
        assert value[y == 1].mean() > value[y == 0].mean() + 1

    def test_an_answer_does_not_depend_on_the_rows_beside_it(self, packed: Package) -> None:
        predictor = replace(packed, trusted=True).predictor()
        together = predictor.predict(asked()).scores
        for row in range(7):
            alone = predictor.predict({name: values[row : row + 1] for name, values in asked().items()}).scores
            assert alone[0] == pytest.approx(together[row], rel=1e-5, abs=1e-6)

    def test_many_threads_may_ask_at_once(self, packed: Package) -> None:
        predictor = replace(packed, trusted=True).predictor()
        want = predictor.predict(asked()).scores.tolist()
        with ThreadPoolExecutor(4) as pool:
            assert all(
                found.scores.tolist() == want for found in pool.map(lambda _: predictor.predict(asked()), range(40))
            )

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"age": None}, "input 'age' is missing"),
            ({"age": ["old"] * 7}, "input 'age' has something that is no number"),
            ({"job": ["smith"]}, "input 'job' has 1 rows, others have 7"),
        ],
    )
    def test_an_input_it_cannot_take_is_bad_input(self, packages: dict[str, Package], change: Any, said: str) -> None:
        columns = {name: values for name, values in {**asked(), **change}.items() if values is not None}
        with pytest.raises(BadInput) as caught:
            replace(packages["two classes"], trusted=True).predictor().predict(columns)
        assert said in caught.value.what
        assert caught.value.do

    def test_inputs_that_it_does_not_know_are_let_be(self, packages: dict[str, Package]) -> None:
        predictor = replace(packages["two classes"], trusted=True).predictor()
        more = {**asked(), "shoe size": np.arange(7)}
        assert predictor.predict(more).scores.tolist() == predictor.predict(asked()).scores.tolist()

    def test_a_damaged_file_is_refused(self, packages: dict[str, Package]) -> None:
        """A byte altered here and there, most of them where the zip keeps its books; and a file that was cut."""
        good = packages["two classes"].to_bytes()
        want, digest = package.from_bytes(good), Digest.of(good)
        random = np.random.default_rng(0)
        books = good.index(b"PK\x01\x02")
        for place in [*range(60), *random.integers(0, books, 60), *range(books, len(good), 3)]:
            bad = bytearray(good)
            bad[place] ^= int(random.integers(1, 256))
            for broken in (bytes(bad), good[:place]):
                with pytest.raises(Damaged):
                    package.from_bytes(broken, digest)
                with suppress(NoriaError):
                    assert package.from_bytes(broken) == want, place  # the zip's own remarks, which nobody reads

    def test_a_package_of_a_newer_noria_is_refused(self, packages: dict[str, Package], monkeypatch: Any) -> None:
        monkeypatch.setattr(package, "FORMAT", package.FORMAT + 1)
        data = packages["two classes"].to_bytes()
        monkeypatch.undo()
        with pytest.raises(BadInput, match="newer noria"):
            package.from_bytes(data)
