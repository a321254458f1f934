"""An MLflow model directory from elsewhere, read by its flavour.

What is in a safe format is taken; a pickle runs whatever code its maker put in, and is read only if the one who imports
vouches for its bytes.
"""

import json
import pickle
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from noria.errors import BadInput, UserError
from noria.model import foreign_onnx, sklearn
from noria.model.foreign import Wish, must_be_vouched, of_noria, signature
from noria.model.mlflow import FILE, module
from noria.model.package import Package
from noria.model.signature import Field

KINDS = {"boolean": "bool", "string": "category", "datetime": "category"}
Conf = Mapping[str, Any]


def read(folder: Path, wish: Wish) -> tuple[Package, str]:
    """The model as a package, and the flavour it was read by.

    Raises
    ------
    UserError
        If it is no MLflow model, of a flavour that is not taken, or a pickle that was not vouched for.
    """
    if not (folder / "MLmodel").is_file():
        raise UserError("the folder holds no file MLmodel", where=str(folder), do="Give an MLflow model directory.")
    model = module("mlflow.models").Model.load(str(folder))
    columns = columns_of(model)
    own = model.flavors.get("python_function", {})
    if own.get("loader_module") == "noria.model.mlflow":
        return of_noria(_file(folder, f"{own['data']}/{FILE}"), wish), "MLflow model that noria exported"
    for name, reader in FLAVOURS.items():
        if name in model.flavors:
            return reader(folder, model.flavors[name], columns, wish), f"MLflow model, flavour {name}"
    raise UserError(
        f"its flavours are {', '.join(sorted(model.flavors)) or 'none'}: a Python function is its maker's own code",
        where=str(folder),
        do=f"Export it by one of {', '.join(FLAVOURS)}.",
    )


def columns_of(model: Any) -> list[Field]:
    """The input columns of an MLflow signature; none where it names none."""
    schema = model.get_input_schema()
    if schema is None or not schema.has_input_names():
        return []
    if schema.is_tensor_spec():
        return [Field(one.name, "number") for one in schema.inputs]
    return [Field(one.name, KINDS.get(one.type.name, "number")) for one in schema.inputs]


def _onnx(folder: Path, conf: Conf, columns: Sequence[Field], wish: Wish) -> Package:
    return foreign_onnx.adopt(_file(folder, conf["data"]).read_bytes(), wish, columns)


def _lightgbm(folder: Path, conf: Conf, columns: Sequence[Field], wish: Wish) -> Package:
    file = _file(folder, conf["data"])
    if conf.get("model_class", "lightgbm.basic.Booster") != "lightgbm.basic.Booster":
        return _estimator(_vouched(file, wish, "a pickled LightGBM estimator"), columns, wish)
    import lightgbm

    try:
        booster = lightgbm.Booster(model_file=str(file))
    except lightgbm.basic.LightGBMError as error:
        raise BadInput(f"this is no LightGBM model: {error}", where=str(file), do="Export it again.") from error
    fields = _numbers(columns or [Field(name, "number") for name in booster.feature_name()], "lightgbm")
    objective = booster.dump_model(num_iteration=1).get("objective", "")
    count = max(2, booster.num_model_per_iteration()) if objective.startswith(("binary", "multiclass")) else 0
    made = signature(fields, [str(k) for k in range(count)] if count else None, wish, count or None)
    files = {"model.txt": file.read_bytes(), "classes.txt": " ".join(map(str, range(count))).encode()}
    return Package("lightgbm", made, {**sklearn.dump({"preprocessor": _as_it_is()}), **files})


def _xgboost(folder: Path, conf: Conf, columns: Sequence[Field], wish: Wish) -> Package:
    file = _file(folder, conf["data"])
    xgboost = module("xgboost", extra="xgboost")
    booster = xgboost.Booster()
    try:
        booster.load_model(str(file))  # binary or textual JSON, and nothing that runs
    except xgboost.core.XGBoostError as error:
        text = str(error).splitlines()[0][:200]
        raise BadInput(f"this is no XGBoost model: {text}", where=str(file), do="Export it again.") from error
    learner = json.loads(booster.save_config())["learner"]
    names = booster.feature_names or [f"x{place}" for place in range(booster.num_features())]
    fields = _numbers(columns or [Field(name, "number") for name in names], "xgboost")
    objective = learner["objective"]["name"]
    if objective not in ("binary:logistic", "multi:softprob") and not objective.startswith("reg:"):
        raise BadInput(f"its objective {objective} gives no probabilities", where=str(file), do="Export another.")
    several = max(2, int(learner["learner_model_param"]["num_class"]))
    count = 0 if objective.startswith("reg:") else several
    made = signature(fields, [str(k) for k in range(count)] if count else None, wish, count or None)
    files = {"model.ubj": bytes(booster.save_raw("ubj")), "classes.txt": " ".join(map(str, range(count))).encode()}
    return Package("xgboost", made, {**sklearn.dump({"preprocessor": _as_it_is()}), **files})


def _sklearn(folder: Path, conf: Conf, columns: Sequence[Field], wish: Wish) -> Package:
    file = _file(folder, conf["pickled_model"])
    kind = conf.get("serialization_format", "pickle")
    if kind != "skops":
        return _estimator(_vouched(file, wish, f"a {kind}d scikit-learn model"), columns, wish)
    held = sklearn.load_object({"model.skops": file.read_bytes()}, "model", trusted=False)
    return _estimator(held, columns, wish)


FLAVOURS: dict[str, Callable[[Path, Conf, Sequence[Field], Wish], Package]] = {
    "onnx": _onnx,
    "lightgbm": _lightgbm,
    "xgboost": _xgboost,
    "sklearn": _sklearn,
}


def _estimator(held: Any, columns: Sequence[Field], wish: Wish) -> Package:
    """A fitted scikit-learn estimator, or a pipeline of transformers that ends in one."""
    from sklearn.base import is_classifier
    from sklearn.pipeline import Pipeline

    split = isinstance(held, Pipeline) and len(held.steps) > 1
    before, last = (held[:-1], held[-1]) if split else (_as_it_is(), held)
    if not hasattr(last, "predict"):
        raise BadInput(f"{type(last).__name__} predicts nothing", where="import", do="Export a model.")
    fields = list(columns) or _learned_from(held)
    classes = [str(one) for one in last.classes_] if is_classifier(last) else None
    made = signature(fields, classes, wish, None if classes is None else len(classes))
    if classes is not None:
        _number_classes(last)
    return Package("sklearn", made, sklearn.dump({"preprocessor": before, "model": last}))


def _number_classes(estimator: Any) -> None:
    """In a package an estimator knows its classes by their numbers; their names stand in the signature."""
    try:
        estimator.classes_ = np.arange(len(estimator.classes_))
    except AttributeError as error:
        raise BadInput(
            f"{type(estimator).__name__} keeps its classes inside another estimator",
            where="import",
            do="Export the estimator inside, such as best_estimator_.",
        ) from error


def _learned_from(held: Any) -> list[Field]:
    """The columns that an estimator was fitted on; by its word all are numbers."""
    names = getattr(held, "feature_names_in_", None)
    if names is None:
        names = [f"x{place}" for place in range(getattr(held, "n_features_in_", 0))]
    if not len(names):
        raise BadInput("nothing says which columns the model takes", where="import", do="Log it with a signature.")
    return [Field(str(name), "number") for name in names]


def _numbers(fields: Sequence[Field], flavour: str) -> Sequence[Field]:
    texts = [one.name for one in fields if not one.numeric]
    if texts:
        raise BadInput(
            f"column {texts[0]!r} is text, and how {flavour} encoded it is not in its file",
            where="import",
            do="Export a pipeline that encodes it, or an ONNX graph.",
        )
    return fields


def _as_it_is() -> Any:
    from sklearn.preprocessing import FunctionTransformer

    return FunctionTransformer()


def _vouched(file: Path, wish: Wish, what: str) -> Any:
    """What a pickle holds, if the one who imports vouches for it."""
    data = file.read_bytes()
    must_be_vouched(data, wish, file, what)
    return pickle.loads(data)  # noqa: S301 - somebody vouches for exactly these bytes


def _file(folder: Path, name: str) -> Path:
    """A file of the directory; what the directory names outside of itself is none of its files."""
    file = (folder / str(name)).resolve()
    if not file.is_relative_to(folder.resolve()) or not file.is_file():
        raise BadInput(f"MLmodel names {name!r}, which is no file in it", where=str(folder), do="Export it again.")
    return file
