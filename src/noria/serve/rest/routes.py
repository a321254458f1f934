"""Every path that is answered, by which method, and what for: the application and the OpenAPI document read it here."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from noria.serve.door import FEEDBACK, INFER, NEAR, OPEN, RELEASE
from noria.serve.rest.errors import Refused


@dataclass(frozen=True, slots=True)
class Route:
    """A path and what answers there.

    path
        With ``{model}`` and ``{version}`` where names stand.
    call
        The method of ``Calls`` that answers.
    body, answer
        Names of the schemas in the OpenAPI document; empty: no body, any object.
    early
        Answered before the first look at the stores.
    role
        What a token must allow; see ``door.py`` for what stands for everybody.
    """

    method: str
    path: str
    call: str
    about: str
    body: str = ""
    answer: str = ""
    early: bool = False
    role: str = INFER


def _of_model(method: str, last: str, call: str, about: str, body: str = "", answer: str = "") -> list[Route]:
    """The same for a model and for one of its versions."""
    places = "/v2/models/{model}", "/v2/models/{model}/versions/{version}"
    return [Route(method, place + last, call, about, body, answer) for place in places]


REPOSITORY = "/v2/repository/models/{model}"
ROUTES: tuple[Route, ...] = (
    Route("GET", "/v2/health/live", "live", "Whether the process runs", early=True, role=OPEN),
    Route("GET", "/v2/health/ready", "ready", "Whether requests are answered", early=True, role=OPEN),
    Route("GET", "/ping", "ready", "Whether requests are answered, as MLflow asks", early=True, role=OPEN),
    Route("GET", "/openapi.json", "openapi", "This document", early=True, role=OPEN),
    Route("GET", "/metrics", "metrics", "Metrics of the server, for Prometheus", early=True, role=NEAR),
    Route("GET", "/v2", "about", "Name and version of the server"),
    Route("GET", "/v2/models", "models", "Names of all models"),
    Route("POST", "/v2/repository/index", "index", "All versions of all models, loaded or not", "Index"),
    Route(
        "POST",
        "/v2/repository/models/{model}/load",
        "load",
        "Have a model, or a version of it, ready",
        "Loading",
        role=RELEASE,
    ),
    Route(
        "POST", "/v2/repository/models/{model}/unload", "unload", "Let go what has no traffic", "Loading", role=RELEASE
    ),
    Route("GET", "/v2/noria/routes/{model}", "route", "How traffic is divided", role=RELEASE),
    Route("PUT", "/v2/noria/routes/{model}", "set_route", "Divide traffic anew", "Weights", role=RELEASE),
    Route("POST", "/v2/feedback", "feedback", "What was true for predictions", "Feedback", role=FEEDBACK),
    Route(
        "POST",
        "/v2/models/{model}/feedback",
        "feedback",
        "What was true for a model's predictions",
        "Feedback",
        role=FEEDBACK,
    ),
    Route("POST", "/invocations", "invocations", "Answers as MLflow gives them, by the only model", "Invocations"),
    *_of_model("GET", "", "metadata", "Inputs and outputs"),
    *_of_model("GET", "/ready", "model_ready", "Whether it is loaded"),
    *_of_model("POST", "/infer", "infer", "Answers, by the Open Inference Protocol", "Infer", "Inferred"),
    *_of_model("POST", "/predict", "predict", "Answers to rows", "Predict", "Predicted"),
    *_of_model("POST", "/invocations", "invocations", "Answers as MLflow gives them", "Invocations"),
)


@dataclass(slots=True)
class _Node:
    """What may follow a part of a path: ``next`` by the part that follows, under ``*`` any name."""

    next: "dict[str, _Node]" = field(default_factory=dict)
    methods: dict[str, Route] = field(default_factory=dict)


def find(method: str, path: str) -> tuple[Route, Mapping[str, str]]:
    """The route of a request, and the names in its path.

    Raises
    ------
    Refused
        If nothing is there, or by another method.
    """
    node, names = _TREE, []
    for part in path.strip("/").split("/"):
        follows = node.next.get(part)
        if follows is None:
            follows = node.next.get("*")
            names.append(part)
        if follows is None or not part:
            raise Refused(404, f"there is nothing at /{path.strip('/')}")
        node = follows
    if not node.methods:
        raise Refused(404, f"there is nothing at /{path.strip('/')}")
    route = node.methods.get(method)
    if route is None:
        raise Refused(405, f"{method} is not answered at {path}; use {' or '.join(node.methods)}")
    return route, dict(zip(("model", "version"), names, strict=False))


def _tree() -> _Node:
    root = _Node()
    for route in ROUTES:
        node = root
        for part in route.path.strip("/").split("/"):
            node = node.next.setdefault("*" if part.startswith("{") else part, _Node())
        node.methods[route.method] = route
    return root


_TREE = _tree()
