"""A package as an MLflow model directory, and what MLflow calls to load one.

MLflow's generic flavour holds the package itself and calls this module. A model that is an ONNX graph has MLflow's onnx
flavour beside it, which needs no noria.
"""

import logging
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from noria.digest import Digest
from noria.errors import UserError
from noria.model import package
from noria.model.environment import packages_of
from noria.model.format import Prediction, Predictor
from noria.model.package import Package
from noria.model.portable import portable, probability_names
from noria.model.signature import Signature

FILE, DIGEST, GRAPH = "model.noria", "model.noria.sha256", "model.onnx"
TYPES = {"number": "double", "bool": "boolean", "category": "string", "text": "string"}
NEEDED = {  # kind: what has to be installed where the model is loaded
    "onnx": ("noria", "onnx", "onnxruntime", "numpy", "pandas"),
    "xgboost": ("noria", "xgboost", "xgboost-cpu", "scikit-learn", "skops", "numpy", "scipy", "pandas"),
    "torch": ("noria", "torch", "safetensors", "scikit-learn", "skops", "cloudpickle", "numpy", "scipy", "pandas"),
    "lightgbm": ("noria", "lightgbm", "scikit-learn", "skops", "numpy", "scipy", "pandas"),
    "sklearn": ("noria", "scikit-learn", "lightgbm", "skops", "cloudpickle", "numpy", "scipy", "pandas"),
}


def write(folder: Path, packed: Package, example: pd.DataFrame, about: Mapping[str, Any]) -> None:
    """Write the directory: MLmodel, the model, its signature, an input example, requirements.

    Parameters
    ----------
    folder
        Where; it must not be there yet.
    example
        Rows as the model takes them.
    about
        The release record: its environment gives the requirements' versions.

    Raises
    ------
    UserError
        If MLflow is not installed, or the folder is there.
    """
    model = module("mlflow.models").Model()
    if folder.exists():
        raise UserError("there is something already", where=str(folder), do="Give a folder that is not there yet.")
    with tempfile.TemporaryDirectory(prefix="noria-mlflow-") as scratch:
        made, data = Path(scratch) / "made", Path(scratch) / "data"
        data.mkdir()
        (data / DIGEST).write_text(package.write(data / FILE, packed).hex)
        if packed.kind == "onnx" and not packed.signature.several:
            (data / GRAPH).write_bytes(portable(packed))
            model.add_flavor("onnx", data=f"data/data/{GRAPH}", onnx_version=module("onnx").__version__, code=None)
        logging.getLogger("mlflow").setLevel(logging.WARNING)  # it tells what it does as if that were news
        module("mlflow.pyfunc").save_model(
            str(made),
            loader_module=__name__,
            data_path=str(data),
            mlflow_model=model,
            signature=signature_of(packed.signature),
            input_example=example,
            pip_requirements=requirements(packed.kind, about["environment"]),
            metadata={"model": f"{about['model']}@{about['number']}", "release": about["release"],
                      "package": about["package"], "label": packed.signature.label},
        )  # fmt: skip
        shutil.copytree(made, folder)


def module(name: str, extra: str = "mlflow") -> Any:
    """A module of MLflow or of what it needs; ``UserError`` that names the extra if it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow warns of its own type hints
            return import_module(name)
    except ImportError as error:
        raise UserError(
            f"{name} is not installed: {error}", where=name, do=f"Install it: pip install 'noria[{extra}]'."
        ) from error


def signature_of(signature: Signature) -> Any:
    """The signature in MLflow's terms: one named column an input."""
    types, models = module("mlflow.types"), module("mlflow.models")
    inputs = [types.ColSpec(TYPES[one.kind], one.name, required=True) for one in signature.inputs]
    if signature.classes is None:
        outputs = [types.ColSpec("float", "value")]
    else:
        names = probability_names(signature)
        outputs = [types.ColSpec("string", "label"), *(types.ColSpec("float", name) for name in names)]
    return models.ModelSignature(types.Schema(inputs), types.Schema(outputs))


def requirements(kind: str, environment: Mapping[str, Any]) -> list[str]:
    """What the model needs, in the versions it was made with."""
    held = packages_of(environment)
    return [f"{name}=={held[name]}" for name in NEEDED[kind] if name in held]


class Answers:
    """What MLflow asks for predictions."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor

    def predict(self, rows: pd.DataFrame, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Rows as a frame with the model's input columns → ``label`` and ``probability_CLASS``, or ``value``."""
        columns = {str(name): rows[name].astype(object).to_numpy() for name in rows.columns}
        return table(self.predictor.predict(columns), self.predictor.signature)


def table(found: Prediction, signature: Signature) -> pd.DataFrame:
    """A prediction as the columns that an exported model gives."""
    if found.probability is None or found.label is None:
        return pd.DataFrame({"value": found.scores})
    names = probability_names(signature)
    columns = {name: found.probability[:, place] for place, name in enumerate(names)}
    return pd.DataFrame({"label": [str(one) for one in found.label], **columns})


def _load_pyfunc(path: str) -> Answers:
    """Called by MLflow. A package with pickles is read where MLflow may read pickles, and its digest holds.

    Raises
    ------
    Damaged
        If the package was altered, or holds pickles where they are not allowed.
    """
    folder = Path(path)
    digest = Digest((folder / DIGEST).read_text().strip())
    verified = package.read(folder / FILE, digest)
    allowed = module("mlflow.environment_variables").MLFLOW_ALLOW_PICKLE_DESERIALIZATION.get()
    return Answers((verified if allowed else package.read(folder / FILE)).predictor())
