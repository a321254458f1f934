"""The same object has the same bytes, in every process and folder; and is read where the user's modules are not."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import noria

MODULE = '''
from enum import Enum

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

LIMIT = 2


class Side(Enum):
    LEFT = 1
    RIGHT = 2


KNOWN = {"clerk", "nurse", "smith", ("x", 1), None}


def clipped(values):
    assert not KNOWN.isdisjoint({"nurse"}) and LIMIT in {2, "two", "deux"}
    return np.clip(values, 0, LIMIT)


class Own(TransformerMixin, BaseEstimator):
    def __init__(self, side=Side.LEFT, names=("a", "b", "c")):
        self.side, self.names = side, names
        self.words = {word: frozenset(word) for word in ("water", "wheel")}

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        """Clip."""
        return clipped(np.asarray(X)) + len(self.names)
'''
WRITE = """
import sys
from pathlib import Path
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
sys.path.insert(0, sys.argv[1])
import mine
from noria.model.stable import pickled
made = make_pipeline(mine.Own(names=()), FunctionTransformer(mine.clipped), StandardScaler()).fit([[1.0], [2.0]])
first = pickled(made)
from noria.model.stable import unpickled
assert type(unpickled(first)[0]) is not mine.Own
assert unpickled(first)[0].words["water"] == frozenset("water")
assert pickled(made) == first
Path(sys.argv[2]).write_bytes(first)
"""
READ = """
import sys
from pathlib import Path
from noria.model.stable import unpickled
made = unpickled(Path(sys.argv[1]).read_bytes())
print(made[0].transform([[-1.0], [1.0], [9.0]]).ravel().tolist(), made[0].side.name)
"""


def python(code: str, *words: str, seed: str = "0", program: str = sys.executable, **environ: str) -> str:
    environ = {**os.environ, "PYTHONHASHSEED": seed, **environ}
    done = subprocess.run([program, "-c", code, *words], env=environ, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_users_code_is_in_the_pickle_and_the_bytes_are_the_same_everywhere(tmp_path: Path) -> None:
    for name, seed in (("one", "1"), ("another place", "2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.py").write_text(MODULE)
        python(WRITE, str(tmp_path / name), str(tmp_path / f"{name}.pickle"), seed=seed)
    kept = tmp_path / "one.pickle"
    assert kept.read_bytes() == (tmp_path / "another place.pickle").read_bytes()
    assert python(READ, str(kept)) == "[0.0, 1.0, 2.0] LEFT"


def test_a_library_is_none_of_the_users_code_however_it_came_to_be_on_the_path(tmp_path: Path) -> None:
    """All libraries by a folder of another name, and an interpreter that has none; then one library of a team."""
    (tmp_path / "one").mkdir()
    libraries = tmp_path / "shared"
    libraries.symlink_to(sysconfig.get_path("purelib"))
    team = tmp_path / "team"
    (team / "ours-1.0.dist-info").mkdir(parents=True)
    (team / "ours.py").write_text("def three():\n    return 3\n")
    (team / "ours-1.0.dist-info" / "RECORD").write_text("ours.py,,\nours-1.0.dist-info/RECORD,,\n")
    (tmp_path / "one" / "mine.py").write_text(
        MODULE.replace("import numpy as np", "import numpy as np\nfrom ours import three").replace(
            "+ len(self.names)", "+ len(self.names) * three()"
        )
    )
    path = os.pathsep.join(map(str, (Path(noria.__file__).parent.parent, libraries, team)))
    base = str(Path(sys._base_executable))  # type: ignore[attr-defined]
    kept = tmp_path / "kept.pickle"
    python(WRITE, str(tmp_path / "one"), str(kept), program=base, PYTHONPATH=path)
    assert kept.stat().st_size < 10_000
    assert b"ours" in kept.read_bytes()
    assert python(READ, str(kept), PYTHONPATH=str(team)) == "[0.0, 1.0, 2.0] LEFT"
    with pytest.raises(AssertionError, match="No module named 'ours'"):
        python(READ, str(kept))


SKOPS = """
import sys
from pathlib import Path
from sklearn.preprocessing import StandardScaler
from noria.model.sklearn import dump, load_object
made = StandardScaler().fit([[1.0], [2.0]])
made.known_ = {"clerk", "nurse", "smith"}
files = dump({"model": made})
assert load_object(files, "model", trusted=False).known_ == made.known_
Path(sys.argv[1]).write_bytes(files["model.skops"])
"""


def test_a_set_in_a_safe_format_has_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    for seed in "1", "2":
        python(SKOPS, str(tmp_path / seed), seed=seed)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
