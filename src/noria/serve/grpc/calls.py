"""The calls of the services, one function each: from the service and the message that came to the message that goes."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from noria.serve import about
from noria.serve.door import FEEDBACK, INFER, OPEN, RELEASE
from noria.serve.grpc import wire
from noria.serve.grpc.messages import message
from noria.serve.predict import Service
from noria.serve.protocol import Feedback
from noria.serve.watch import Seen

INFERENCE = "inference.GRPCInferenceService"
Reply = Awaitable[Any]
Answers = Callable[[Service, Any, Seen], Reply]


@dataclass(frozen=True, slots=True)
class Call:
    """``early``: answered before the first look at the routes; ``role``: what a token must allow."""

    kind: Any
    answer: Answers
    early: bool = False
    role: str = INFER


def _made(name: str, /, **fields: Any) -> Any:
    return message(f"inference.{name}Response")(**fields)


async def server_live(service: Service, asked: Any, seen: Seen) -> Any:
    return _made("ServerLive", live=True)


async def server_ready(service: Service, asked: Any, seen: Seen) -> Any:
    return _made("ServerReady", ready=about.server_ready(service.host))


async def model_ready(service: Service, asked: Any, seen: Seen) -> Any:
    return _made("ModelReady", ready=about.ready(service.host, asked.name, about.number(asked.version)))


async def server_metadata(service: Service, asked: Any, seen: Seen) -> Any:
    return _made("ServerMetadata", **about.server())


async def model_metadata(service: Service, asked: Any, seen: Seen) -> Any:
    found = await about.model(service.host, asked.name, about.number(asked.version))
    return _made(
        "ModelMetadata",
        name=asked.name,
        versions=found.versions,
        platform="noria",
        inputs=found.inputs,
        outputs=found.signature.outputs(),
        properties={name: _text(value) for name, value in found.parameters.items()},
    )


async def model_infer(service: Service, asked: Any, seen: Seen) -> Any:
    request = wire.infer(asked)
    seen.model = request.model
    if service.watch.tracer is None:
        answer = await service.predict(request)
    else:
        with service.watch.tracer.predict():
            answer = await service.predict(request)
    seen.answered(answer)
    return wire.answer(answer, request, bool(asked.raw_input_contents))


async def repository_index(service: Service, asked: Any, seen: Seen) -> Any:
    found = about.index(service.host, asked.ready)
    return _made("RepositoryIndex", models=[asdict(one) for one in found])


async def repository_load(service: Service, asked: Any, seen: Seen) -> Any:
    await about.load(service.host, _model(asked), _version(asked))
    return _made("RepositoryModelLoad")


async def repository_unload(service: Service, asked: Any, seen: Seen) -> Any:
    about.unload(service.host, _model(asked), _version(asked))
    return _made("RepositoryModelUnload")


async def health(service: Service, asked: Any, seen: Seen) -> Any:
    """gRPC's health: of the whole server or of a service of it."""
    kind = message("grpc.health.v1.HealthCheckResponse")
    if asked.service not in ("", INFERENCE):
        return kind(status="SERVICE_UNKNOWN")
    return kind(status="SERVING" if about.server_ready(service.host) else "NOT_SERVING")


async def tell(service: Service, asked: Any, seen: Seen) -> Any:
    """Feedback: all of it is on the disk when this returns, or none is taken."""
    if asked.model_name:
        service.host.endpoint(asked.model_name)
    service.limits.check(len(asked.feedback), 0)
    await service.tell(map(_feedback, asked.feedback), endpoint=asked.model_name or None)
    return message("noria.TellResponse")(accepted=len(asked.feedback))


def _feedback(told: Any) -> Feedback:
    truth = told.WhichOneof("truth")
    label = None if truth is None else getattr(told, truth)
    rating = told.rating if told.HasField("rating") else None
    return Feedback(told.prediction_id, label, rating, told.source or "grpc")


def _model(asked: Any) -> str:
    """The model to load: some clients number it as others do the repository, which noria has only one of."""
    name: str = asked.model_name or asked.repository_name
    return name


def _version(asked: Any) -> int | None:
    given = asked.parameters.get("version")
    kind = None if given is None else given.WhichOneof("parameter_choice")
    return None if kind is None else about.number(str(getattr(given, kind)))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


REPOSITORY: Mapping[str, Answers] = {
    "RepositoryIndex": repository_index,
    "RepositoryModelLoad": repository_load,
    "RepositoryModelUnload": repository_unload,
}
EARLY = server_live, server_ready
ROLES: Mapping[Answers, str] = {
    server_live: OPEN,
    server_ready: OPEN,
    repository_load: RELEASE,
    repository_unload: RELEASE,
}
PROTOCOL: Mapping[str, Answers] = {
    "ServerLive": server_live,
    "ServerReady": server_ready,
    "ModelReady": model_ready,
    "ServerMetadata": server_metadata,
    "ModelMetadata": model_metadata,
    "ModelInfer": model_infer,
    **REPOSITORY,
}


def _of(calls: Mapping[str, Answers]) -> dict[str, Call]:
    return {
        name: Call(message(f"inference.{name}Request"), one, one in EARLY, ROLES.get(one, INFER))
        for name, one in calls.items()
    }


SERVICES: Mapping[str, Mapping[str, Call]] = {
    INFERENCE: _of(PROTOCOL),
    "inference.model_repository.ModelRepositoryService": _of(REPOSITORY),  # where MLServer has it
    "grpc.health.v1.Health": {
        "Check": Call(message("grpc.health.v1.HealthCheckRequest"), health, early=True, role=OPEN)
    },
    "noria.Feedback": {"Tell": Call(message("noria.TellRequest"), tell, role=FEEDBACK)},
}
