"""PyTorch modules: weights as safetensors, the architecture as code that only its digest vouches for.

``model.safetensors`` holds the weights, ``module.pickle`` the module without them, with the user's classes by value, so
that a server needs no checkout. It is read only if the metadata store knows the package's digest.
"""

import copy
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from noria.errors import Damaged, UserError
from noria.model.format import Prediction, answer
from noria.model.signature import Columns, Signature
from noria.model.sklearn import dump, features_of, load_object, to_frame
from noria.model.stable import pickled, unpickled

ROWS = 65_536  # that are predicted together
KINDS = ("classes", "binary", "labels", "values")


def torch() -> Any:
    """The library.

    Raises
    ------
    UserError
        If it is not installed.
    """
    missing = [name for name in ("torch", "safetensors") if find_spec(name) is None]
    if missing:
        do = "Install it: pip install 'noria[torch]'"
        raise UserError(f"PyTorch models need {', '.join(missing)}", where="noria[torch]", do=do)
    import torch as library

    return library


def is_torch(estimator: Any) -> bool:
    """True for ``noria.Torch``, fitted."""
    return type(estimator).__name__ == "Torch" and hasattr(estimator, "module_")


def output(
    module: Any, X: Any, kind: str, seen: Sequence[int] | None = None, device: str = "cpu"
) -> NDArray[np.float32]:
    """What a module says to features [n, m]: probabilities [n, classes] or [n, labels], or values [n].

    Parameters
    ----------
    kind
        What its output is: ``classes`` (a logit each), ``binary`` (one logit for the second of two classes),
        ``labels`` (a logit each, any number of them true), ``values``.
    seen
        The classes that there were in training: only they have a probability, one column each. None: all.
    """
    library = torch()
    found = []
    with library.inference_mode():
        for start in range(0, X.shape[0], ROWS):
            part = X[start : start + ROWS]
            dense = np.array(part.toarray() if sparse.issparse(part) else part, dtype=np.float32)
            said = module(library.from_numpy(dense).to(device))
            said = said.reshape(len(dense), -1)
            said = said if seen is None or kind != "classes" else said[:, list(seen)]
            found.append(answered(library, said, kind).cpu().numpy())
    return np.concatenate(found) if found else np.zeros((0, 1), np.float32)


def answered(library: Any, said: Any, kind: str) -> Any:
    """The module's output [n, k] as what metrics take."""
    if kind == "classes":
        return library.softmax(said, dim=1)
    if kind == "values":
        return said[:, 0]
    yes = library.sigmoid(said)
    return yes if kind == "labels" else library.cat([1 - yes, yes], dim=1)


def files_of(preprocessor: Any, pickle: bytes, estimator: Any) -> dict[str, bytes]:
    """A fitted pair as files of a package."""
    from safetensors.torch import save

    module = estimator.module_.cpu().eval()
    weights = {name: value.detach().clone().contiguous() for name, value in sorted(module.state_dict().items())}
    seen = " ".join(str(int(one)) for one in getattr(estimator, "classes_", ()))
    return {
        **dump({"preprocessor": preprocessor}, {"preprocessor": pickle}),
        "model.safetensors": save(weights),
        "module.pickle": pickled(_bare(module)),
        "module.json": json.dumps({"kind": estimator.kind_, "text": str(module)}).encode(),
        "classes.txt": seen.encode(),
    }


@dataclass(frozen=True, slots=True)
class Network:
    signature: Signature
    preprocessor: Any
    module: Any
    kind: str
    seen: tuple[int, ...]

    def predict(self, columns: Columns) -> Prediction:
        features = features_of(self.preprocessor, to_frame(self.signature.clean(columns)))
        found = output(self.module, features, self.kind, self.seen)
        whole = self.signature.classes is None or self.kind == "labels"
        return answer(found, self.signature, None if whole else np.array(self.seen, dtype=np.intp))


def _bare(module: Any) -> Any:
    """A copy whose weights have a shape and a type but no content."""
    library = torch()
    bare = copy.deepcopy(module)
    for part in bare.modules():
        part._backward_hooks.clear()
        for name, value in part._parameters.items():
            if value is not None:
                part._parameters[name] = library.nn.Parameter(value.to("meta"), requires_grad=False)
        for name, value in part._buffers.items():
            if value is not None and name not in part._non_persistent_buffers_set:
                part._buffers[name] = value.to("meta")
    return bare


class _Format:
    def load(self, files: Mapping[str, bytes], signature: Signature, *, trusted: bool) -> Network:
        torch()
        from safetensors.torch import load

        if not trusted:
            what = "the model's architecture is code and its digest is not known"
            raise Damaged(what, where="module.pickle", do="Load it through the registry.")
        module = unpickled(files["module.pickle"])
        module.load_state_dict(load(files["model.safetensors"]), assign=True)
        kind = json.load(io.BytesIO(files["module.json"]))["kind"]
        seen = tuple(int(one) for one in files["classes.txt"].split())
        return Network(signature, load_object(files, "preprocessor", trusted=trusted), module.eval(), kind, seen)


FORMAT = _Format()
