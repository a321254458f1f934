"""The OpenAPI document: made from the routes and from the structures that bodies are decoded into."""

from functools import cache
from typing import Any

import msgspec

from noria import __version__
from noria.serve.rest import mlflow, wire
from noria.serve.rest.routes import ROUTES, Route

BODIES: dict[str, tuple[type[msgspec.Struct], ...]] = {
    "Infer": (wire.Infer,),
    "Predict": (wire.Predict,),
    "Index": (wire.Index,),
    "Loading": (wire.Loading,),
    "Feedback": (wire.Told, wire.ManyFeedbacks),
    "Invocations": (mlflow.Invocations,),
    "Weights": (wire.Weights,),
}
OPTIONAL = "Index", "Loading"  # clients send an empty body
ERROR = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
PLACE = "#/components/schemas/{name}"


@cache
def document() -> bytes:
    """The document, encoded."""
    kinds = [kind for some in BODIES.values() for kind in some]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=PLACE)
    of_kind = dict(zip(kinds, schemas, strict=True))
    bodies = {name: {"anyOf": [of_kind[kind] for kind in some]} for name, some in BODIES.items()}
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, bodies)
    made = {
        "openapi": "3.1.0",
        "info": {"title": "noria", "version": __version__, "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {"schemas": {**components, "Error": ERROR}},
    }
    return msgspec.json.encode(made)


def _operation(route: Route, bodies: dict[str, Any]) -> dict[str, Any]:
    names = [name for name in ("model", "version") if f"{{{name}}}" in route.path]
    refused = {"description": "Why not", "content": _json({"$ref": PLACE.format(name="Error")})}
    found: dict[str, Any] = {
        "summary": route.about,
        "operationId": "_".join([route.call, *(["version"] if "version" in names else []), *_scope(route)]),
        "parameters": [{"name": one, "in": "path", "required": True, "schema": {"type": "string"}} for one in names],
        "responses": {"200": {"description": "Done", "content": _json({})}, "default": refused},
    }
    if route.body:
        found["requestBody"] = {"required": route.body not in OPTIONAL, "content": _json(bodies[route.body])}
    return found


def _scope(route: Route) -> list[str]:
    """What tells apart two routes that are answered by the same method."""
    alone = "{model}" not in route.path and route.path.count("/") == 1
    return ["alone"] if alone else ["model"] if "{model}" in route.path else []


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
