"""The shop window: three places name the public things and agree; each says what it is and refuses what is wrong."""

import ast
import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import noria
import noria as nr
from noria.errors import BadLifecycle

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "examples").rglob("*.py"))]
MENTIONED = set(re.findall(r"\bnr\.(\w+)", "".join(page.read_text() for page in PAGES)))
EDITORS = {  # what editors and type checkers read
    alias.asname: node.module
    for part in ast.parse(Path(noria.__file__).read_text()).body
    if isinstance(part, ast.If)
    for node in part.body
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
}


def test_what_runs_what_editors_read_and_what_is_listed_are_the_same_names() -> None:
    assert noria._HOME == EDITORS
    assert sorted(noria._HOME) == noria.__all__
    assert set(noria.__all__) <= set(dir(noria))


@pytest.mark.parametrize("name", noria.__all__)
def test_a_public_name_is_what_its_home_calls_so_and_says_what_it_is(name: str) -> None:
    value = getattr(noria, name)
    assert value is getattr(import_module(noria._HOME[name]), name)
    own = value.__doc__ or ""
    generated = f"{name}("  # what a dataclass writes for itself
    assert own.strip()
    assert not own.startswith(generated)


def test_a_name_that_is_not_there_is_said_so() -> None:
    with pytest.raises(AttributeError, match="module 'noria' has no attribute 'Lifecycel'"):
        _ = noria.Lifecycel  # type: ignore[attr-defined]


def test_the_documents_mention_every_public_name_and_no_other() -> None:
    assert set(noria.__all__) == MENTIONED


WRONG: dict[Callable[[], object], str] = {
    lambda: nr.Lifecycle("My loans", collect="*.csv", label="paid"): "'My loans' is not a name",
    lambda: nr.Lifecycle("loans", collect="*.csv"): "give either label or schema",
    lambda: nr.Lifecycle("loans", collect="*.csv", label="paid", schema=nr.Schema(label="paid")): "either label",
    lambda: nr.Lifecycle("loans", collect="*.csv", label="paid", tune={"C": [1]}): "is not a Tune",  # type: ignore[arg-type]
    lambda: nr.Files("*.csv", format="excel"): "unknown format 'excel'",
    lambda: nr.Files("*.csv", separator=", "): "separator is not one character",
    lambda: nr.Schema(label="paid", task="ranking"): "unknown task 'ranking'",
    lambda: nr.Schema(label="paid", shares=(0.5, 0.2, 0.2)): "add up to 1",
    lambda: nr.Schema(label="paid", protected="sex"): "protected is a text, not a list",
    lambda: nr.Schema(label="paid", drop="sex"): "drop is a text, not a list",
    lambda: nr.Validate(label_shift=10): "label_shift=10 is not between 0 and 1",
    lambda: nr.Validate(on_shift="shrug"): "on_shift='shrug'",
    lambda: nr.Tune({"C": [1, 2]}): r"the space of 'C' is \[1, 2\]",  # type: ignore[dict-item]
    lambda: nr.Tune(sampler="guess"): "unknown sampler 'guess'",
    lambda: nr.Tune(metric="beauty"): "unknown metric 'beauty'",
    lambda: nr.Tune(direction="up"): "direction 'up'",
    lambda: nr.Tune(trials=0): "trials is 0",
    lambda: nr.Tune(workers=-1): "workers is -1",
    lambda: nr.Tune(timeout=0): "timeout is 0",
    lambda: nr.uniform(2, 1): "2 is not below 1",
    lambda: nr.loguniform(0, 1): "0 has no logarithm",
    lambda: nr.integer(1, 9, step=0): "step 0 is not possible",
    lambda: nr.choice(): "a choice of nothing",
    lambda: nr.choice({}, {}): "cannot be an option",  # type: ignore[arg-type]
    lambda: nr.Analyze(slices="sex"): "slices is a text, not a list",
    lambda: nr.Analyze(sensitivity=-1): "sensitivity is -1",
    lambda: nr.Analyze(rounds=0): "rounds is 0",
    lambda: nr.Release(gates=nr.at_least("roc_auc", 0.5)): "gates is one gate, not a list",  # type: ignore[arg-type]
    lambda: nr.Release(gates=["roc_auc"]): "'roc_auc' is no gate",  # type: ignore[list-item]
    lambda: nr.Release(approval="committee"): "approval 'committee'",
    lambda: nr.at_least("beauty", 1): "unknown metric 'beauty'",
    lambda: nr.better_than_champion("beauty"): "unknown metric 'beauty'",
    lambda: nr.no_slice_worse("beauty"): "unknown metric 'beauty'",
    lambda: nr.fair("kindness", max=0.1): "unknown fairness metric 'kindness'",
    lambda: nr.Serve(champion=-1): "weights must be 0 or more",
    lambda: nr.Serve(champion=0, challenger=0): "not all 0",
    lambda: nr.Feedback(retrain="daily"): "retrain",  # type: ignore[arg-type]
    lambda: nr.Feedback(on_data="no"): "on_data",  # type: ignore[arg-type]
    lambda: nr.Feedback(turns=0): "turns is 0",
    lambda: nr.Feedback(pause="soon"): "'soon' is no length of time",
    lambda: nr.every("0d"): "'0d' is no length of time",
    lambda: nr.when_drift(columns=0): "columns is 0",
    lambda: nr.when_label_shift(2): "by=2 is not between 0 and 1",
    lambda: nr.when_labelled(0): "rows is 0",
    lambda: nr.when("beauty", drops=0.1): "unknown metric",
    lambda: nr.when("roc_auc", drops=-1): "drops",
    lambda: nr.Resources(cpu=-1): "cpu",
    lambda: nr.Rows(3): "function",  # type: ignore[arg-type]
    lambda: nr.fair("demographic_parity_difference", max=-1): "max",
    lambda: nr.no_slice_worse("accuracy", by=-1): "by",
    lambda: nr.stable(-1): "max",
    lambda: nr.calibrated(-1): "max",
    lambda: nr.fits(): "max_mb",
    lambda: nr.Validate(label_shift="much"): "label_shift",  # type: ignore[arg-type]
    lambda: nr.Serve(champion="most"): "whole number",  # type: ignore[arg-type]
    lambda: nr.Tune(trials="many"): "trials",  # type: ignore[arg-type]
    lambda: nr.Tune([1]): "space",  # type: ignore[arg-type]
    lambda: nr.uniform("a", "b"): "number",  # type: ignore[arg-type]
    lambda: nr.Analyze(rounds="many"): "rounds",  # type: ignore[arg-type]
    lambda: nr.Files(3): "pattern",  # type: ignore[arg-type]
    lambda: nr.Schema("paid", protected=3): "protected",  # type: ignore[arg-type]
    lambda: nr.Release(gates=None): "gates",  # type: ignore[arg-type]
    lambda: nr.Lifecycle(3, collect="*.csv", label="paid"): "name",  # type: ignore[arg-type]
    lambda: nr.Lifecycle("loans", collect=3, label="paid"): "collect",  # type: ignore[arg-type]
    lambda: nr.Lifecycle("loans", collect="*.csv", label="paid", seed="x"): "seed",  # type: ignore[arg-type]
}


@pytest.mark.parametrize(("make", "said"), WRONG.items(), ids=[f"{n} {said}" for n, said in enumerate(WRONG.values())])
def test_a_wrong_value_is_refused_with_one_sentence(make: Callable[[], object], said: str) -> None:
    with pytest.raises(BadLifecycle, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)
    assert caught.value.do.endswith(".")


CONFIGS = [getattr(noria, name) for name in noria.__all__ if is_dataclass(getattr(noria, name))]


@pytest.mark.parametrize("kind", [*CONFIGS, nr.Lifecycle], ids=lambda kind: kind.__name__)
def test_an_unknown_argument_is_refused(kind: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        kind(colour="blue")


@pytest.mark.parametrize("kind", CONFIGS, ids=lambda kind: kind.__name__)
def test_what_is_declared_cannot_be_changed_afterwards(kind: Callable[..., Any]) -> None:
    needed = {
        "Files": ("*.csv",), "Folder": ("images",), "Rows": (list,), "Schema": ("paid",),
        "Sql": ("sales", "sqlite:///shop.db", "id"),
    }  # fmt: skip
    made = kind(*needed.get(kind.__name__, ()))
    for field in fields(made):
        with pytest.raises((AttributeError, TypeError)):
            setattr(made, field.name, None)
