"""Both protocols behind one face, a call as plain values and a refusal as one word: one contract holds for both."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import grpc
import httpx
import numpy as np

from noria.model.signature import listed
from noria.serve import tensors
from noria.serve.grpc.messages import InferRequest, InferResponse, message
from noria.serve.grpc.wire import FIELDS
from serve.live import PATIENCE_S, Live


@dataclass(frozen=True, slots=True)
class Input:
    """A tensor to send: its values in a flat list."""

    name: str
    datatype: str
    data: Sequence[Any]
    shape: Sequence[int] | None = None

    @property
    def sizes(self) -> list[int]:
        return [len(self.data)] if self.shape is None else list(self.shape)


@dataclass(frozen=True, slots=True)
class Said:
    """An answer; ``outputs`` holds datatype, shape and values by name."""

    model: str
    version: str
    id: str
    parameters: Mapping[str, Any]
    outputs: Mapping[str, tuple[str, list[int], list[Any]]]


class Refused(Exception):
    """``kind`` is not found, bad, too large, away or accident."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class Caller(Protocol):
    def infer(
        self, inputs: Sequence[Input], *, model: str = "loans", version: str = "", id: str = "",
        parameters: Mapping[str, Any] = {}, outputs: Sequence[str] = (), raw: bool = False,
    ) -> Said: ...  # fmt: skip

    def live(self) -> bool: ...
    def ready(self) -> bool: ...
    def model_ready(self, model: str, version: str = "") -> bool: ...
    def server(self) -> Mapping[str, Any]: ...
    def model(self, model: str, version: str = "") -> Mapping[str, Any]: ...
    def index(self, ready: bool = False) -> list[dict[str, str]]: ...
    def load(self, model: str, version: str = "") -> None: ...
    def unload(self, model: str, version: str = "") -> None: ...
    def tell(self, prediction: str, label: Any) -> int: ...


class Rest:
    KINDS: Mapping[int, str] = {404: "not found", 400: "bad", 413: "too large", 503: "away"}

    def __init__(self, server: Live) -> None:
        self._http = server.http

    def infer(
        self, inputs: Sequence[Input], *, model: str = "loans", version: str = "", id: str = "",
        parameters: Mapping[str, Any] = {}, outputs: Sequence[str] = (), raw: bool = False,
    ) -> Said:  # fmt: skip
        head: dict[str, Any] = {
            "inputs": [],
            "parameters": {**parameters, **({"binary_data_output": True} if raw else {})},
        }
        tail = []
        for one in inputs:
            entry: dict[str, Any] = {"name": one.name, "datatype": one.datatype, "shape": one.sizes}
            if raw:
                tail.append(packed(one))
                entry["parameters"] = {"binary_data_size": len(tail[-1])}
            else:
                entry["data"] = list(one.data)
            head["inputs"].append(entry)
        head |= {"id": id} if id else {}
        head |= {"outputs": [{"name": name} for name in outputs]} if outputs else {}
        said = json.dumps(head).encode()
        headers = {"inference-header-content-length": str(len(said))} if raw else {}
        reply = self._of(
            self._http.post(f"{_place(model, version)}/infer", content=b"".join([said, *tail]), headers=headers)
        )
        length = reply.headers.get("inference-header-content-length")
        found = json.loads(reply.content[: int(length)] if length else reply.content)
        rest = memoryview(reply.content)[int(length) :] if length else memoryview(b"")
        answers = {}
        for one in found["outputs"]:
            values = one.get("data")
            if values is None:
                size = one["parameters"]["binary_data_size"]
                values, rest = unpacked(one["datatype"], one["shape"], rest[:size]), rest[size:]
            answers[one["name"]] = one["datatype"], one["shape"], values
        return Said(found["model_name"], found["model_version"], found["id"], found["parameters"], answers)

    def live(self) -> bool:
        return bool(self._get("/v2/health/live")["live"])

    def ready(self) -> bool:
        return bool(self._get("/v2/health/ready")["ready"])

    def model_ready(self, model: str, version: str = "") -> bool:
        reply = self._http.get(f"{_place(model, version)}/ready")
        return bool((reply if reply.status_code == 503 else self._of(reply)).json()["ready"])

    def server(self) -> Mapping[str, Any]:
        return self._get("/v2")

    def model(self, model: str, version: str = "") -> Mapping[str, Any]:
        return self._get(_place(model, version))

    def index(self, ready: bool = False) -> list[dict[str, str]]:
        found: list[dict[str, str]] = self._of(self._http.post("/v2/repository/index", json={"ready": ready})).json()
        return found

    def load(self, model: str, version: str = "") -> None:
        self._change(model, "load", version)

    def unload(self, model: str, version: str = "") -> None:
        self._change(model, "unload", version)

    def tell(self, prediction: str, label: Any) -> int:
        sent = {"prediction_id": prediction, "label": label}
        return int(self._of(self._http.post("/v2/feedback", json=sent)).json()["accepted"])

    def _change(self, model: str, word: str, version: str) -> None:
        body = {"parameters": {"version": version}} if version else {}
        self._of(self._http.post(f"/v2/repository/models/{model}/{word}", json=body))

    def _get(self, path: str) -> Any:
        return self._of(self._http.get(path)).json()

    def _of(self, reply: httpx.Response) -> httpx.Response:
        if reply.status_code != 200:
            assert reply.json().keys() == {"error"}
            raise Refused(self.KINDS.get(reply.status_code, "accident"), reply.json()["error"])
        return reply


class Grpc:
    KINDS: Mapping[grpc.StatusCode, str] = {
        grpc.StatusCode.NOT_FOUND: "not found",
        grpc.StatusCode.INVALID_ARGUMENT: "bad",
        grpc.StatusCode.RESOURCE_EXHAUSTED: "too large",
        grpc.StatusCode.UNAVAILABLE: "away",
    }

    def __init__(self, server: Live) -> None:
        self._channel = grpc.insecure_channel(server.grpc, options=[("grpc.max_send_message_length", -1)])

    def close(self) -> None:
        self._channel.close()

    def call(self, name: str, service: str = "inference.GRPCInferenceService", /, **fields: Any) -> Any:
        """One call by its name; messages are named for it."""
        package = service.rpartition(".")[0] if service.startswith("noria") else "inference"
        return self.send(name, message(f"{package}.{name}Request")(**fields).SerializeToString(), service)

    def send(self, name: str, data: bytes, service: str = "inference.GRPCInferenceService") -> Any:
        """Whatever bytes to a call."""
        package = service.rpartition(".")[0] if service.startswith("noria") else "inference"
        ask = self._channel.unary_unary(
            f"/{service}/{name}", response_deserializer=message(f"{package}.{name}Response").FromString
        )
        try:
            return ask(data, timeout=PATIENCE_S)
        except grpc.RpcError as error:
            raise Refused(self.KINDS.get(error.code(), "accident"), error.details()) from error

    def request(
        self, inputs: Sequence[Input], *, model: str = "loans", version: str = "", id: str = "",
        parameters: Mapping[str, Any] = {}, outputs: Sequence[str] = (), raw: bool = False,
    ) -> Any:  # fmt: skip
        asked = InferRequest(model_name=model, model_version=version, id=id, outputs=[{"name": one} for one in outputs])
        for name, value in parameters.items():
            kind = {bool: "bool_param", int: "int64_param", str: "string_param", float: "double_param"}[type(value)]
            setattr(asked.parameters[name], kind, value)
        for one in inputs:
            tensor = asked.inputs.add(name=one.name, datatype=one.datatype, shape=one.sizes)
            if raw:
                asked.raw_input_contents.append(packed(one))
            else:
                values = [text.encode() for text in one.data] if one.datatype == "BYTES" else one.data
                getattr(tensor.contents, FIELDS.get(one.datatype, "fp32_contents")).extend(values)
        return asked

    def infer(self, inputs: Sequence[Input], **more: Any) -> Said:
        return said(self.send("ModelInfer", self.request(inputs, **more).SerializeToString()))

    def live(self) -> bool:
        return bool(self.call("ServerLive").live)

    def ready(self) -> bool:
        return bool(self.call("ServerReady").ready)

    def model_ready(self, model: str, version: str = "") -> bool:
        return bool(self.call("ModelReady", name=model, version=version).ready)

    def server(self) -> Mapping[str, Any]:
        found = self.call("ServerMetadata")
        return {"name": found.name, "version": found.version, "extensions": list(found.extensions)}

    def model(self, model: str, version: str = "") -> Mapping[str, Any]:
        found = self.call("ModelMetadata", name=model, version=version)
        tensors = {
            kind: [
                {"name": one.name, "datatype": one.datatype, "shape": list(one.shape)} for one in getattr(found, kind)
            ]
            for kind in ("inputs", "outputs")
        }
        told = {"name": found.name, "versions": list(found.versions), "platform": found.platform}
        return told | tensors | {"parameters": {name: plain(value) for name, value in found.properties.items()}}

    def index(self, ready: bool = False) -> list[dict[str, str]]:
        names = "name", "version", "state", "reason"
        return [
            {name: getattr(one, name) for name in names} for one in self.call("RepositoryIndex", ready=ready).models
        ]

    def load(self, model: str, version: str = "") -> None:
        self._change("RepositoryModelLoad", model, version)

    def unload(self, model: str, version: str = "") -> None:
        self._change("RepositoryModelUnload", model, version)

    def tell(self, prediction: str, label: Any) -> int:
        field = {str: "label", float: "number", bool: "flag", int: "count"}[type(label)]
        told = [{"prediction_id": prediction, field: label}]
        return int(self.call("Tell", "noria.Feedback", feedback=told).accepted)

    def _change(self, name: str, model: str, version: str) -> None:
        parameters = {"version": {"string_param": version}} if version else {}
        self.call(name, model_name=model, parameters=parameters)


def said(found: InferResponse) -> Said:
    """A gRPC answer as plain values."""
    answers = {}
    for place, one in enumerate(found.outputs):
        if found.raw_output_contents:
            values = unpacked(one.datatype, one.shape, memoryview(found.raw_output_contents[place]))
        else:
            values = list(getattr(one.contents, FIELDS[one.datatype]))
            values = [text.decode() for text in values] if one.datatype == "BYTES" else values
        answers[one.name] = one.datatype, list(one.shape), values
    parameters = {
        name: getattr(value, value.WhichOneof("parameter_choice")) for name, value in found.parameters.items()
    }
    return Said(found.model_name, found.model_version, found.id, parameters, answers)


def packed(one: Input) -> bytes:
    if one.datatype == "BYTES":
        return tensors.pack(np.array([*one.data, None], dtype=object)[:-1], "BYTES")
    kind = tensors.DTYPES.get(one.datatype, np.uint8)
    return np.array(one.data, dtype=np.dtype(kind).newbyteorder("<")).tobytes()


def unpacked(datatype: str, shape: Sequence[int], data: memoryview) -> list[Any]:
    columns, _ = tensors.gather([("x", int(np.prod(shape)), tensors.Packed(datatype, memoryview(data)))])
    return listed(columns["x"])


def plain(value: str) -> Any:
    try:
        return json.loads(value) if value[:1] in "{[" or value.isdigit() else value
    except ValueError:
        return value


def _place(model: str, version: str) -> str:
    return f"/v2/models/{model}" + (f"/versions/{version}" if version else "")
