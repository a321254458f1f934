"""What goes back over HTTP: status, headers, body."""

from typing import Any

from noria.serve.protocol import Answer
from noria.serve.rest import answers

JSON = ("content-type", "application/json")

Headers = list[tuple[str, str]]
Reply = tuple[int, Headers, bytes]


def of(answer: Answer) -> Headers:
    """What the headers say of an answer."""
    return [
        JSON,
        ("noria-model-version", str(answer.version)),
        ("noria-release", answer.release),
        ("noria-variant", answer.variant),
        ("noria-prediction-id", answer.prediction),
    ]


def json(value: Any, status: int = 200, *more: tuple[str, str]) -> Reply:
    return status, [JSON, *more], answers.ENCODER.encode(value)


def failed(status: int, message: str) -> Reply:
    """A refusal; one for want of a token says which kind is asked for."""
    return json({"error": message}, status, *([("www-authenticate", "Bearer")] if status == 401 else []))
