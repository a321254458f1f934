"""The protocol's messages, from their compiled definitions, in a pool that is noria's alone."""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError as DecodeError

from noria.serve.grpc.compile import GENERATED


def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(GENERATED.read_bytes()).file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


POOL = _pool()


def message(name: str) -> Any:
    """The class of a message, by its full name."""
    return message_factory.GetMessageClass(POOL.FindMessageTypeByName(name))


InferRequest = message("inference.ModelInferRequest")
InferResponse = message("inference.ModelInferResponse")
Output = message("inference.ModelInferResponse.InferOutputTensor")
Contents = message("inference.InferTensorContents")
Parameter = message("inference.InferParameter")
StreamResponse = message("inference.ModelStreamInferResponse")
