"""python kserve_client.py URL GRPC, in the environment of the KServe SDK: what its inference clients get, as JSON."""

import asyncio
import json
import sys
from typing import Any

import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig

VALUES: dict[str, tuple[str, Any]] = {
    "age": ("FP32", [40, 41]), "amount": ("FP32", [50.5, 30]), "job": ("BYTES", ["clerk", "nurse"]),
    "sex": ("BYTES", ["f", "m"]),
}  # fmt: skip


def request(raw: bool, model: str = "loans", id: str | None = "mine") -> InferRequest:
    inputs = []
    for name, (datatype, values) in VALUES.items():
        inputs.append(InferInput(name, [2], datatype, data=None if raw else values))
        if raw:
            kind = np.float32 if datatype == "FP32" else object
            inputs[-1].set_data_from_numpy(np.array(values, kind), binary_data=True)
    return InferRequest(model, inputs, request_id=id, parameters={"subject": "ann"})  # to whom one version answers


async def answers(infer: Any, raw: bool) -> dict[str, Any]:
    said = await infer(request(raw))
    found = {one.name: one.as_numpy().reshape(-1).tolist() for one in said.outputs}
    try:
        await infer(request(raw, model="cats"))
    except Exception as error:
        found["refused"] = f"{error} {getattr(getattr(error, 'response', None), 'text', '')}"
    found["label"] = [one.decode() if isinstance(one, bytes) else str(one) for one in found["label"]]
    return {**found, "id": said.id, "unnamed": bool((await infer(request(raw, id=None))).id)}


async def rest(url: str, raw: bool) -> dict[str, Any]:
    client = InferenceRESTClient(RESTConfig(protocol="v2", timeout=60))
    ready = [
        await client.is_server_live(url), await client.is_server_ready(url), await client.is_model_ready(url, "loans"),
    ]  # fmt: skip
    return {"ready": ready} | await answers(lambda asked: client.infer(url, asked, model_name=asked.model_name), raw)


async def grpc(address: str, raw: bool) -> dict[str, Any]:
    client = InferenceGRPCClient(address)
    ready = [await client.is_server_live(), await client.is_server_ready(), await client.is_model_ready("loans")]
    return {"ready": ready} | await answers(client.infer, raw)


async def main(url: str, address: str) -> None:
    print(
        json.dumps(
            {
                "rest": await rest(url, raw=False),
                "rest binary": await rest(url, raw=True),
                "grpc": await grpc(address, raw=False),
                "grpc raw": await grpc(address, raw=True),
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
