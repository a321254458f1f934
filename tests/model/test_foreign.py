"""Models from elsewhere: safe formats are taken and answer as they did, pickles only if somebody vouches for them."""

import hashlib
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from contracts.model_format import NUMBER, TWO, learned
from model import test_formats
from noria.errors import BadInput, UserError
from noria.model import elsewhere, foreign_onnx, mlflow, portable
from noria.model.environment import environment
from noria.model.example import typical
from noria.model.foreign import Wish
from noria.model.package import Package

COUNT = 120
ABOUT = {"model": "loans", "number": 3, "release": "r", "package": "d", "environment": environment()}


@pytest.fixture(autouse=True)
def others_warn() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def table() -> tuple[pd.DataFrame, Any]:
    """Features as a data frame, and labels in words."""
    random = np.random.default_rng(0)
    rows = pd.DataFrame(random.normal(size=(COUNT, 3)).astype(np.float32), columns=["age", "debt", "pay"])
    return rows, np.where(rows["age"] + rows["debt"] > 0, "yes", "no")


def columns(rows: pd.DataFrame) -> dict[str, Any]:
    return {str(name): rows[name].to_numpy() for name in rows}


def asked(packed: Package, rows: pd.DataFrame) -> Any:
    return packed.predictor().predict(columns(rows.set_axis([one.name for one in packed.signature.inputs], axis=1)))


# --- ONNX ---


@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.parametrize("kind", ["linear", "forest"])
def test_a_classifier_as_onnx_keeps_its_answers_and_its_classes(kind: str, zipmap: bool) -> None:
    from skl2onnx import to_onnx
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    rows, truth = table()
    made = LogisticRegression() if kind == "linear" else RandomForestClassifier(5, random_state=0)
    made.fit(rows.to_numpy(), truth)
    data = to_onnx(made, rows.to_numpy()[:1], options={id(made): {"zipmap": zipmap}}).SerializeToString()
    packed = foreign_onnx.adopt(data, Wish("paid", () if zipmap else ("no", "yes")))
    elsewhere.try_out(packed, "test")
    found = asked(packed, rows)
    assert (packed.signature.classes, packed.signature.label) == (("no", "yes"), "paid")
    assert found.label.tolist() == made.predict(rows.to_numpy()).tolist()
    assert found.probability == pytest.approx(made.predict_proba(rows.to_numpy()), abs=1e-5)


def graph(outputs: list[tuple[str, int, list[Any]]], nodes: list[Any], width: Any = 3) -> bytes:
    from onnx import helper

    x = helper.make_tensor_value_info("x", 1, [None, width])
    made = [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in outputs]
    model = helper.make_model(helper.make_graph(nodes, "g", [x], made), opset_imports=[helper.make_opsetid("", 17)])
    data: bytes = model.SerializeToString()
    return data


def node(kind: str, given: str, made: str, **attributes: Any) -> Any:
    from onnx import helper

    return helper.make_node(kind, [given], [made], **attributes)


def test_a_network_that_gives_softmax_or_one_sigmoid_is_a_classifier() -> None:
    rows, _ = table()
    soft = foreign_onnx.adopt(graph([("p", 1, [None, 3])], [node("Softmax", "x", "p", axis=1)]), Wish())
    assert soft.signature.classes == ("0", "1", "2")
    assert asked(soft, rows).probability.sum(axis=1) == pytest.approx(np.ones(COUNT), abs=1e-6)
    nodes = [node("ReduceMean", "x", "m", axes=[1], keepdims=1), node("Sigmoid", "m", "p")]
    one = foreign_onnx.adopt(graph([("p", 1, [None, 1])], nodes), Wish(classes=("no", "yes")))
    expected = 1 / (1 + np.exp(-rows.to_numpy().mean(axis=1)))
    assert asked(one, rows).probability[:, 1] == pytest.approx(expected, abs=1e-6)
    number = foreign_onnx.adopt(graph([("p", 1, [None, 1])], nodes), Wish())
    assert number.signature.classes is None
    assert asked(number, rows).value == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("data", "wish", "said"),
    [
        (lambda: b"nothing", Wish(), "this is no ONNX model"),
        (
            lambda: graph([("p", 1, [None, None])], [node("Softmax", "x", "p")], None),
            Wish(),
            "does not say how many columns it has",
        ),
        (lambda: graph([("p", 7, [None])], [node("ArgMax", "x", "p", axis=1, keepdims=0)]), Wish(), "labels alone"),
        (lambda: graph([("p", 1, [None, 3])], [node("Relu", "x", "p")]), Wish(), "which are no probabilities"),
        (
            lambda: graph([("p", 1, [None, 3])], [node("Softmax", "x", "p")]),
            Wish(classes=("no", "yes")),
            "has 3 classes, and 2 are named",
        ),
    ],
    ids=["no graph", "any width", "labels only", "logits", "too few classes"],
)
def test_what_cannot_be_understood_is_one_sentence(data: Any, wish: Wish, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        elsewhere.try_out(foreign_onnx.adopt(data(), wish), "test")
    assert caught.value.do


# --- MLflow: out, and in again ---


@pytest.mark.parametrize("kind", ["onnx", "sklearn"])
@pytest.mark.parametrize("signature", [TWO, NUMBER], ids=["classes", "a number"])
def test_what_mlflow_loads_gives_the_same_answers(kind: str, signature: Any, tmp_path: Path) -> None:
    import mlflow.pyfunc

    packed = (test_formats.TestOnnx if kind == "onnx" else test_formats.TestSklearn)().make(signature, (0, 1))
    rows = learned(50)
    want = mlflow_table(packed, rows)
    folder = tmp_path / "exported"
    write(folder, packed)
    frame = pd.DataFrame({**rows, "age": rows["age"].astype(float), "vip": rows["vip"] > 0})
    found = mlflow.pyfunc.load_model(str(folder)).predict(frame)
    pd.testing.assert_frame_equal(found, want)
    loaded = mlflow.pyfunc.load_model(str(folder)).metadata
    assert [one.name for one in loaded.get_input_schema().inputs] == ["age", "job", "vip"]
    assert loaded.get_output_schema().input_names() == list(want.columns)
    assert loaded.load_input_example(str(folder)) is not None
    assert any(line.startswith("noria==") for line in (folder / "requirements.txt").read_text().splitlines())
    again, origin = elsewhere.read(folder, Wish())
    assert again.to_bytes() == packed.to_bytes()
    assert "noria" in origin


def mlflow_table(packed: Package, rows: dict[str, Any]) -> pd.DataFrame:
    return mlflow.table(packed.predictor().predict(rows), packed.signature)


def write(folder: Path, packed: Package) -> None:
    mlflow.write(folder, packed, typical(packed.signature, None), ABOUT)


def test_an_onnx_model_is_there_for_tools_without_noria(tmp_path: Path) -> None:
    import mlflow.onnx
    import onnxruntime

    packed = test_formats.TestOnnx().make(TWO, (0, 1))
    write(tmp_path / "exported", packed)
    model = mlflow.onnx.load_model(str(tmp_path / "exported"))
    assert model.SerializeToString(deterministic=True) == portable.portable(packed)
    rows = learned(50)
    feeds = {name: values.reshape(-1, 1) for name, values in rows.items()}
    session = onnxruntime.InferenceSession(model.SerializeToString())
    label, probability = session.run(["label", "probability"], feeds)
    want = packed.predictor().predict(rows)
    assert label.tolist() == [str(one) for one in want.label]
    assert np.array_equal(probability, want.probability)


def test_an_exported_package_that_was_altered_is_not_loaded(tmp_path: Path) -> None:
    import mlflow.pyfunc

    write(tmp_path / "exported", test_formats.TestSklearn().make(TWO, (0, 1)))
    file = next((tmp_path / "exported").rglob("model.noria"))
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    with pytest.raises(Exception, match="is not what its digest"):
        mlflow.pyfunc.load_model(str(tmp_path / "exported"))


# --- MLflow models that others wrote ---


def fitted() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression()).fit(*table())


def logged(folder: Path, flavour: str, **options: Any) -> Path:
    """An MLflow model of that flavour."""
    from importlib import import_module

    from mlflow.models import infer_signature

    rows, truth = table()
    if flavour == "lightgbm":
        import lightgbm

        data = lightgbm.Dataset(rows, truth == "yes")
        made: Any = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1}, data, 5)
    elif flavour == "xgboost":
        import xgboost

        made = xgboost.train({"objective": "binary:logistic", "nthread": 1}, xgboost.DMatrix(rows, truth == "yes"), 5)
    elif flavour == "onnx":
        from skl2onnx import to_onnx

        made = to_onnx(fitted(), rows.to_numpy()[:1])
        options["save_as_external_data"] = False
    else:
        made = fitted()
    signature = infer_signature(rows, truth)
    module = import_module(f"mlflow.{flavour}")
    module.save_model(made, str(folder), signature=signature, pip_requirements=[], **options)
    return folder


@pytest.mark.parametrize("flavour", ["onnx", "sklearn", "lightgbm", "xgboost"])
def test_a_flavour_in_a_safe_format_is_taken_with_its_columns_and_answers(flavour: str, tmp_path: Path) -> None:
    options = {"serialization_format": "skops"} if flavour == "sklearn" else {}
    folder = logged(tmp_path / "theirs", flavour, **options)
    packed, origin = elsewhere.read(folder, Wish("paid", ("no", "yes")))
    rows, _ = table()
    assert flavour in origin
    assert [one.name for one in packed.signature.inputs] == ["age", "debt", "pay"]
    assert packed.signature.classes == ("no", "yes")
    if flavour == "lightgbm":
        import lightgbm

        expected = lightgbm.Booster(model_file=str(folder / "model.lgb")).predict(rows)
    elif flavour == "xgboost":
        import xgboost

        booster = xgboost.Booster(model_file=str(folder / "model.ubj"))
        expected = booster.predict(xgboost.DMatrix(rows))
    else:
        expected = fitted().predict_proba(rows)[:, 1]
    assert asked(packed, rows).probability[:, 1] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("kind", ["pickle", "cloudpickle"])
def test_a_pickle_is_refused_unless_its_digest_is_named(kind: str, tmp_path: Path) -> None:
    folder = logged(tmp_path / "theirs", "sklearn", serialization_format=kind)
    with pytest.raises(UserError, match="reading it runs whatever code its maker put in") as caught:
        elsewhere.read(folder, Wish())
    digest = hashlib.sha256((folder / "model.pkl").read_bytes()).hexdigest()
    assert f"--trust {digest[:16]}" in caught.value.do
    for wrong in (digest[:11], "0" * 64, "yes"):
        with pytest.raises(UserError, match="it has another digest"):
            elsewhere.read(folder, Wish(trust=wrong))
    packed, _ = elsewhere.read(folder, Wish(trust=digest[:12]))
    rows, _ = table()
    assert asked(packed, rows).label.tolist() == fitted().predict(rows).tolist()


class Bomb:
    """Leaves a mark if it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def test_nothing_of_a_refused_pickle_was_run(tmp_path: Path) -> None:
    import pickle

    folder = logged(tmp_path / "theirs", "sklearn", serialization_format="pickle")
    (folder / "model.pkl").write_bytes(pickle.dumps(Bomb(tmp_path / "mark")))
    with pytest.raises(UserError):
        elsewhere.read(folder, Wish(trust="0" * 64))
    assert not (tmp_path / "mark").exists()


def test_a_python_function_is_refused_even_with_a_word_of_trust(tmp_path: Path) -> None:
    import mlflow.pyfunc

    class Own(mlflow.pyfunc.PythonModel):
        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            return model_input

    mlflow.pyfunc.save_model(str(tmp_path / "theirs"), python_model=Own(), pip_requirements=[])
    with pytest.raises(UserError, match="a Python function is its maker's own code"):
        elsewhere.read(tmp_path / "theirs", Wish(trust="0" * 64))


def test_a_directory_cannot_name_files_outside_of_itself(tmp_path: Path) -> None:
    folder = logged(tmp_path / "theirs", "lightgbm")
    shutil.copy(folder / "model.lgb", tmp_path / "outside.lgb")
    text = (folder / "MLmodel").read_text()
    (folder / "MLmodel").write_text(text.replace("data: model.lgb", "data: ../outside.lgb"))
    with pytest.raises(BadInput, match="which is no file in it"):
        elsewhere.read(folder, Wish())
