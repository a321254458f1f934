"""What is told of each request once it is done: to the meter, to the access log, to whoever reads traces."""

from collections.abc import Collection
from dataclasses import dataclass, field
from time import perf_counter

from noria.serve.access import AccessLog
from noria.serve.meter import Meter
from noria.serve.protocol import Answer
from noria.serve.trace import Span, Tracer


@dataclass(slots=True)
class Seen:
    """One request; whom it is about is put in as it becomes known. ``token`` is the name of the one it brought."""

    protocol: str
    method: str
    path: str
    began: float = field(default_factory=perf_counter)
    model: str = ""
    version: str = ""
    variant: str = ""
    rows: int = 0
    prediction: str = ""
    token: str | None = None

    def traced(self, span: Span) -> None:
        """Say in its trace what is known of it."""
        span.about(model=self.model, version=self.version, variant=self.variant, rows=self.rows,
                   prediction_id=self.prediction)  # fmt: skip

    def answered(self, answer: Answer) -> None:
        """It got a model's answer."""
        self.model, self.version, self.variant = answer.model, str(answer.version), answer.variant
        self.rows, self.prediction = len(answer.scores), answer.prediction


@dataclass(slots=True)
class Watch:
    """``access`` and ``tracer`` are None as long as nobody asked for them."""

    meter: Meter = field(default_factory=Meter)
    access: AccessLog | None = None
    tracer: Tracer | None = None

    def done(self, seen: Seen, status: str, refused: bool, models: Collection[str]) -> None:
        """A request is over.

        Parameters
        ----------
        status
            As the protocol says it: 200, NOT_FOUND.
        models
            Those that are served: whatever other names callers think of is no label of a metric.
        """
        seconds = perf_counter() - seen.began
        if refused:
            self.meter.refuse(seen.protocol, seen.model if seen.model in models else "", status)
        elif seen.prediction:
            self.meter.answer((seen.model, seen.version, seen.variant, seen.protocol), seconds, seen.rows)
        if self.access is not None:
            self.access.note(seen.protocol, seen.method, seen.path, seen.model, seen.version, status, seconds,
                             seen.rows, seen.prediction, seen.token)  # fmt: skip
