"""Which changes of code count: those that a function can reach, and no others."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from noria.run import bundle, constant
from noria.run.reach import reach

ENTRY = "import helpers\nfrom helpers import *\n\ndef f(x):\n    return {call}\n"


@pytest.fixture(autouse=True)
def bytecode_is_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Python does unless told otherwise; an edit within a second that keeps the size must be seen all the same."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


def units(folder: Path, entry: str, helpers: str) -> dict[str, str]:
    """The units that ``f`` of an entry file reaches, by kind and name."""
    folder.mkdir(exist_ok=True)
    (folder / "helpers.py").write_text(textwrap.dedent(helpers))
    (folder / "entry.py").write_text(textwrap.dedent(entry))
    module = bundle.load_lifecycle_module(folder / "entry.py", folder)
    return {f"{unit.kind} {unit.name}": unit.digest for unit in reach(module.f, project=folder).units}


COUNTS = {
    "a helper": ("h(x)", "def h(x):\n    return x + 1", "x + 1", "x + 2"),
    "a helper's helper": ("h(x)", "def g(x): return x * 2\ndef h(x): return g(x)", "x * 2", "x * 3"),
    "a helper through its module": ("helpers.h(x)", "def h(x): return x + 1", "x + 1", "x + 2"),
    "a constant": ("x + C", "C = 1", "C = 1", "C = 2"),
    "a constant of equal value": ("x + C + D", "C = 1\nD = 1", "D = 1", "D = 2"),
    "a constant through its module": ("x + helpers.C", "C = 1", "C = 1", "C = 2"),
    "one entry of a dictionary": ("C['a']", "C = {'a': 1, 'b': [2, 3]}", "3]", "4]"),
    "the order of a list": ("C[0]", "C = [1, 2]", "[1, 2]", "[2, 1]"),
    "a function in a dictionary": ("C['a'](x)", "def g(x): return x\nC = {'a': g}", "return x", "return -x"),
    "a function in a tuple in a list": ("C", "def g(x): return x\nC = [(1, g)]", "return x", "return -x"),
    "one number of a long array": (
        "C.sum()", "import numpy as np\nC = np.zeros(5000)\nC[2500] = 1", "] = 1", "] = 2"
    ),
    "one cell of a frame": (
        "C", "import polars as pl\nC = pl.DataFrame({'a': [*range(5000)], 'b': [0] * 5000})", "[0] * 5000",
        "[0] * 4999 + [1]",
    ),
    "one cell of a pandas frame": (
        "C", "import pandas as pd\nC = pd.DataFrame({'a': [*range(500)], 'b': [0] * 500})", "* 500}", "* 499 + [1]}"
    ),
    "a partial's function": ("p(x)", "from functools import partial\ndef g(a, b): return a + b\np = partial(g, 1)",
                             "a + b", "a - b"),
    "a partial's argument": ("p(x)", "from functools import partial\ndef g(a, b): return a + b\np = partial(g, 1)",
                             "(g, 1)", "(g, 2)"),
    "a decorator": (
        "h(x)", "import functools\ndef d(f):\n    @functools.wraps(f)\n    def w(x): return f(x) + 1\n    return w\n"
        "@d\ndef h(x): return x", "+ 1", "+ 2"
    ),
    "a decorator without wraps": (
        "h(x)", "def d(f):\n    def w(x): return f(x) + 1\n    return w\n@d\ndef h(x): return x",
        "return x", "return -x",
    ),
    "a closure's value": ("h(x)", "def make(n):\n    return lambda x: x + n\nh = make(1)", "make(1)", "make(2)"),
    "a lambda": ("h(x)", "h = lambda x: x + 1", "+ 1", "+ 2"),
    "a helper that a lambda calls": ("h(x)", "def g(x): return x\nh = lambda x: g(x)", "return x", "return -x"),
    "a default": ("h()", "N = 1\ndef h(x=N): return x", "N = 1", "N = 2"),
    "a keyword default that is a function": (
        "h(x)", "def g(x): return x\ndef h(x, *, by=g): return by(x)", "return x", "return -x"
    ),
    "an import inside the function": ("h(x)", "def h(x):\n    import deep\n    return deep.g(x)", None, None),
    "a name imported inside the function": ("h(x)", "def h(x):\n    from deep import g\n    return g(x)", None, None),
    "a module used as a value": ("h(x)", "import deep\ndef h(x): return getattr(deep, 'g')(x)", None, None),
    "a class's method": ("K().m(x)", "class K:\n    def m(self, x): return x", "return x", "return -x"),
    "a class's attribute": ("K.a", "class K:\n    a = 1", "a = 1", "a = 2"),
    "a base class": ("K().m(x)", "class B:\n    def m(self, x): return x\nclass K(B): pass", "return x", "return -x"),
    "what a method calls": (
        "K().m(x)", "def g(x): return x\nclass K:\n    def m(self, x): return g(x)", "return x", "return -x"
    ),
    "what a static method calls": (
        "K.m(x)", "def g(x): return x\nclass K:\n    @staticmethod\n    def m(x): return g(x)", "return x", "return -x"
    ),
    "an object's class": ("o.m(x)", "class K:\n    def m(self, x): return x\no = K()", "return x", "return -x"),
    "an object's attribute": (
        "o.a", "class K:\n    def __init__(self, a): self.a = a\no = K(1)", "K(1)", "K(2)"
    ),
    "an object with slots": (
        "o.a", "class K:\n    __slots__ = ('a',)\n    def __init__(self, a): self.a = a\no = K(1)", "K(1)", "K(2)"
    ),
    "a library's object": (
        "o.fit", "from sklearn.preprocessing import StandardScaler\no = StandardScaler()", "Scaler()",
        "Scaler(with_mean=False)",
    ),
    "a pattern": ("o.sub('', x)", "import re\no = re.compile('a')", "'a'", "'b'"),
    "a name that Python has too": ("max(x)", "def max(x): return x", "return x", "return -x"),
    "a function inside the helper": ("h(x)", "def g(x): return x\ndef h(x):\n    def i(): return g(x)\n    return i()",
                                     "return x", "return -x"),
    "a comprehension's name": ("h(x)", "C = 1\ndef h(x): return [C for _ in x]", "C = 1", "C = 2"),
}  # fmt: skip


@pytest.mark.parametrize("case", COUNTS, ids=lambda case: str(case))
def test_it_counts(tmp_path: Path, case: str) -> None:
    call, helpers, old, new = COUNTS[case]
    deep = tmp_path / "p" / "deep.py"
    deep.parent.mkdir()
    deep.write_text("def g(x): return x")
    before = units(deep.parent, ENTRY.format(call=call), helpers)
    assert units(deep.parent, ENTRY.format(call=call), helpers) == before
    if old is None:
        deep.write_text("def g(x): return -x")
        after = units(deep.parent, ENTRY.format(call=call), helpers)
    else:
        assert old in helpers
        after = units(deep.parent, ENTRY.format(call=call), helpers.replace(old, str(new)))
    assert after != before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    local = x", "    local = x  # a comment"),
        ("return x + C", "return (\n        x\n        + C\n    )"),
        ('"""Says what."""', '"""Says something else."""'),
        ("def other(x): return 1", "def other(x): return 2"),
        ("D = 5", "D = 6"),
        ("", "\n\n\n"),
        ("class Other: pass", "class Other: a = 1"),
        ("local = 1", "local = 2"),
    ],
    ids=["comment", "formatting", "docstring", "other function", "other constant", "lines", "other class", "same name"],
)
def test_it_does_not_count(tmp_path: Path, old: str, new: str) -> None:
    helpers = (
        'C = 1\nD = 5\nlocal = 1\nclass Other: pass\ndef other(x): return 1\ndef h(x):\n    """Says what."""\n'
        "    local = x\n    return x + C if local else 0\n"
    )
    entry = ENTRY.format(call="h(x)")
    assert old in helpers
    assert units(tmp_path, entry, helpers.replace(old, new, 1)) == units(tmp_path, entry, helpers)


def test_units_are_named_as_people_know_them(tmp_path: Path) -> None:
    found = units(tmp_path, ENTRY.format(call="h(x) + K().m()"), "C = 1\ndef h(x): return C\nclass K:\n    def m(s): 0")
    assert list(found) == ["constant C in helpers.py", "class K in helpers.py", "function f in entry.py",
                           "function h in helpers.py"]  # fmt: skip


def test_a_librarys_version_counts_and_its_code_does_not(tmp_path: Path) -> None:
    found = units(tmp_path, ENTRY.format(call="np.log(x)"), "import numpy as np")
    assert found["library numpy"] == np.__version__


def test_digests_are_the_same_in_every_process(tmp_path: Path) -> None:
    (tmp_path / "helpers.py").write_text(
        "import re, threading, logging\nclass K:\n    pass\n"
        "C = {'a', 'b', 'c', ('d', 1)}\no = K()\nlock = threading.Lock()\nlog = logging.getLogger('x')\n"
        "p = re.compile('a')"
    )
    (tmp_path / "entry.py").write_text(ENTRY.format(call="[C, o, lock, log, p, lambda: C]"))
    program = (
        "import sys; from pathlib import Path; from noria.run import bundle; from noria.run.reach import reach\n"
        "folder = Path(sys.argv[1]); m = bundle.load_lifecycle_module(folder / 'entry.py', folder)\n"
        "print(reach(m.f, project=folder))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)],
            capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert len(said) == 1
    assert "constant" in said.pop()


def test_values_that_differ_have_different_digests() -> None:
    values = [
        0, False, 0.0, "0", b"0", None, [], (), {}, set(), [0], [[0]], ["a", "b"], ["ab"], {"a": "b"}, {"b": "a"},
        np.array([1, 2]), np.array([1.0, 2.0]), np.array([[1, 2]]), pl.Series([1, 2]), pl.DataFrame({"a": [1, 2]}),
        float("nan"), 1j, range(3), slice(3), Path("a"),
    ]  # fmt: skip
    assert len({constant.look(value)[0] for value in values}) == len(values)
    endless: list[object] = [1]
    endless.append(endless)
    assert constant.look(endless)[0] == constant.look(endless)[0]
