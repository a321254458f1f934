"""A PyTorch module behind a preprocessor's ONNX graph, as one graph."""

import io
from typing import Any

from noria.model.torch import answered, torch

PREFIX = "network/"
FEATURES, LABEL, ANSWER = "features", "label", "answer"
FLOAT = 1  # of onnx.TensorProto


def behind(preprocessor: Any, estimator: Any) -> Any:
    """The whole graph: the module, traced once, follows ``preprocessor``, a graph with one output [n, m].

    Its outputs are those of the other graphs: values [n, 1], probabilities [n, labels], or the place of the most
    probable class [n] and the probabilities [n, classes seen].
    """
    import onnx
    from onnx.compose import merge_models

    [made] = preprocessor.graph.output
    opset = next(one.version for one in preprocessor.opset_import if one.domain == "")
    network = onnx.load_from_string(_exported(estimator, made.type.tensor_type.shape.dim[1].dim_value, opset))
    name = _as_float(preprocessor, made)
    network.ir_version = preprocessor.ir_version
    whole = merge_models(preprocessor, network, io_map=[(name, FEATURES)], prefix2=PREFIX)
    whole.graph.name = "noria"
    opsets = sorted(whole.opset_import, key=lambda one: one.domain)  # they come out of a set
    del whole.opset_import[:]
    whole.opset_import.extend(opsets)
    return whole


def _as_float(model: Any, output: Any) -> str:
    """The name of the graph's output as float32, which it becomes where it is something else."""
    from onnx import helper

    if output.type.tensor_type.elem_type == FLOAT:
        return str(output.name)
    name = f"{output.name} as float"
    model.graph.node.append(helper.make_node("Cast", [output.name], [name], to=FLOAT))
    shape = [one.dim_value or None for one in output.type.tensor_type.shape.dim]
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info(name, FLOAT, shape))
    return name


def _exported(estimator: Any, width: int, opset: int) -> bytes:
    """The module and what becomes of its output, by PyTorch's own exporter."""
    library = torch()
    out = io.BytesIO()
    names = [ANSWER] if estimator.kind_ in ("values", "labels") else [LABEL, ANSWER]
    library.onnx.export(
        _whole(library, estimator).eval(),
        (library.zeros(2, width),),
        out,
        input_names=[FEATURES],
        output_names=names,
        dynamic_axes={name: {0: "rows"} for name in (FEATURES, *names)},
        opset_version=opset,
        dynamo=False,  # the other exporter needs one library more, and makes the same of such modules
    )
    return out.getvalue()


def _whole(library: Any, estimator: Any) -> Any:
    """The module with what ``noria.model.torch.output`` does after it."""
    module, kind = estimator.module_.cpu(), estimator.kind_
    seen = [int(one) for one in getattr(estimator, "classes_", ())]

    class Whole(library.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def forward(self, features: Any) -> Any:
            said = self.module(features).flatten(1)
            said = said[:, seen] if kind == "classes" else said
            found = answered(library, said, kind)
            if kind == "values":
                return found.reshape(-1, 1)
            return found if kind == "labels" else (found.argmax(dim=1), found)

    return Whole()
