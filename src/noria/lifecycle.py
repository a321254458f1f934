"""What the user declares: one name, the stages' configuration, a few functions. No behaviour."""

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from noria.analyze.config import Analyze
from noria.collect.config import Files, Source
from noria.data.schema import Schema
from noria.declared import check_one
from noria.errors import BadLifecycle
from noria.feedback.config import Feedback
from noria.plan import Resources
from noria.preprocess.config import Preprocess
from noria.release.config import Release
from noria.serve.config import Serve
from noria.train.config import Train, Tune
from noria.validate.config import Validate

NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
KINDS = {
    "schema": Schema,
    "validate": Validate,
    "tune": Tune,
    "train": Train,
    "analyze": Analyze,
    "release": Release,
    "serve": Serve,
    "feedback": Feedback,
}

F = TypeVar("F", bound=Callable[..., Any])


class Lifecycle:
    """One model's life: everything has a default that suits tabular classification but name, source and label.

    Parameters
    ----------
    name
        Lower-case letters, digits, ``-`` and ``_``; names the dataset, the model and the endpoint too.
    collect
        Where rows come from: a source, several, or a file pattern such as ``"inbox/*.csv"``.
    label
        Short for ``schema=Schema(label=...)``.
    schema, validate, tune, train, analyze, release, serve, feedback
        Configuration of the stages.
    resources
        What single steps ask for, by step word, such as ``{"train": Resources(memory_mb=4000)}``.
    seed
        Makes splits of a resampling, trials and training repeatable.

    Raises
    ------
    BadLifecycle
        If a part is of the wrong kind or contradicts another.

    Examples
    --------
    >>> Lifecycle("loans", collect="inbox/*.csv", label="approved").schema.label
    'approved'
    """

    def __init__(
        self,
        name: str,
        *,
        collect: Source | Sequence[Source] | str,
        label: str | None = None,
        schema: Schema | None = None,
        validate: Validate | None = None,
        tune: Tune | None = None,
        train: Train | None = None,
        analyze: Analyze | None = None,
        release: Release | None = None,
        serve: Serve | None = None,
        feedback: Feedback | None = None,
        resources: dict[str, Resources] | None = None,
        seed: int = 0,
    ) -> None:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise BadLifecycle(
                f"{name!r} is not a name", where="Lifecycle", do="Use lower-case letters, digits, '-' and '_'."
            )
        if (label is None) == (schema is None):
            raise BadLifecycle("give either label or schema", where=f"Lifecycle {name}", do='For example label="paid".')
        check_one("seed", seed, int, f"Lifecycle {name}")
        given = {
            "schema": schema,
            "validate": validate,
            "tune": tune,
            "train": train,
            "analyze": analyze,
            "release": release,
            "serve": serve,
            "feedback": feedback,
        }
        for word, value in given.items():
            if value is not None and not isinstance(value, KINDS[word]):
                raise BadLifecycle(
                    f"{word}={value!r} is not a {KINDS[word].__name__}",
                    where=f"Lifecycle {name}",
                    do=f"Write {word}=nr.{KINDS[word].__name__}(...).",
                )
        self.name = name
        self.sources: tuple[Source, ...] = _sources(collect)
        self.schema = schema or Schema(label=str(label))
        self.validate = validate or Validate()
        self.tune = tune or Tune()
        self.analyze = analyze or Analyze()
        self.release = release or Release()
        self.serve = serve or Serve()
        self.feedback = feedback or Feedback()
        self.resources = dict(resources or {})
        self.seed = seed
        self.functions: dict[str, Callable[..., Any]] = {}
        self.options: dict[str, Any] = {"preprocess": Preprocess(), "train": train or Train()}

    def preprocess(self, function: F) -> F:
        """Decorate the function that returns an unfitted transformer."""
        return self._take("preprocess", function)

    def train(self, function: F) -> F:
        """Decorate the function that takes trial parameters and returns an unfitted estimator."""
        return self._take("train", function)

    def config(self, word: str) -> Any:
        """The configuration object of a step."""
        if word == "collect":
            return self.sources
        if word == "deploy":
            return self.serve
        return self.options[word] if word in self.options else getattr(self, word)

    def _take(self, word: str, function: F) -> F:
        if not callable(function):
            raise BadLifecycle(f"{function!r} is not a function", where=word, do=f"Decorate a function with @{word}.")
        if word in self.functions:
            raise BadLifecycle(f"there are two {word} functions", where=self.name, do="Keep one.")
        self.functions[word] = function
        return function

    def __repr__(self) -> str:
        return f"<Lifecycle {self.name}: label {self.schema.label}>"

    def _repr_html_(self) -> str:
        from html import escape

        rows = {
            "collects": ", ".join(map(repr, self.sources)),
            "label": self.schema.label,
            "protected": ", ".join(self.schema.protected) or "–",
            "functions": ", ".join(sorted(self.functions)) or "defaults",
        }
        body = "".join(f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in rows.items())
        return f"<table><caption>Lifecycle <b>{escape(self.name)}</b></caption>{body}</table>"


def _sources(collect: Source | Sequence[Source] | str) -> tuple[Source, ...]:
    if isinstance(collect, str):
        return (Files(collect),)
    if isinstance(collect, Sequence):
        return tuple(_sources(one)[0] for one in collect)
    if not isinstance(collect, Source):
        raise BadLifecycle(
            f"collect={collect!r} is no source", where="Lifecycle", do='Write for example "inbox/*.csv".'
        )
    return (collect,)
