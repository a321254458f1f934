"""A lifecycle becomes a plan: plain data that any orchestrator can read."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from noria.errors import BadLifecycle
from noria.lifecycle import Lifecycle
from noria.plan import Plan, Resources, Step

NEEDS: Mapping[str, tuple[str, ...]] = {
    "collect": (),
    "validate": ("collect",),
    "preprocess": ("validate",),
    "tune": ("preprocess",),
    "train": ("tune",),
    "analyze": ("train",),
    "release": ("analyze",),
    "deploy": ("release",),
    "feedback": ("deploy",),
}
CODE: Mapping[str, tuple[str, ...]] = {"preprocess": ("preprocess",), "tune": ("train",), "train": ("train",)}

Reach = Callable[[Callable[..., Any]], Mapping[str, str]]
DIVIDED = ("validate", "preprocess")  # by resources; the search by its workers
NO_FILES: Mapping[str, Mapping[str, str]] = {}


def compile_plan(
    lifecycle: Lifecycle, *, reach: Reach, bundle: str, entry: str, files: Mapping[str, Mapping[str, str]] = NO_FILES
) -> Plan:
    """The plan of one run.

    Parameters
    ----------
    reach
        Gives the digest of each unit of code that a function can reach, by the unit's name.
    bundle
        Digest of the code bundle.
    entry
        Name of the lifecycle file in the bundle.
    files
        By step word, the digest of each file that its configuration names, by the file's name.

    Raises
    ------
    BadLifecycle
        With every rule that does not hold, in one message.
    """
    wrong = [problem for rule in RULES for problem in rule(lifecycle)]
    if wrong:
        raise BadLifecycle("; ".join(wrong), where=entry, do="Correct the lifecycle file.")
    steps = tuple(
        Step(
            name=word,
            needs=needs,
            config=_config(lifecycle, word, reach),
            reached={**_reached(lifecycle, word, reach), **files.get(word, {})},
            shards=_shards(lifecycle, word),
            resources=lifecycle.resources.get(word, Resources()),
        )
        for word, needs in NEEDS.items()
    )
    return Plan(lifecycle.name, steps, bundle, entry, lifecycle.seed)


def _shards(lifecycle: Lifecycle, word: str) -> int:
    """Into how many parts a step may be divided: a search into its workers."""
    if word == "tune":
        return min(lifecycle.tune.workers, lifecycle.tune.trials) if lifecycle.tune.space else 1
    return lifecycle.resources.get(word, Resources()).parts


def _config(lifecycle: Lifecycle, word: str, reach: Reach) -> dict[str, Any]:
    found = {**describe(lifecycle.config(word), reach), "schema": describe(lifecycle.schema, reach)}
    if word == "tune":  # trials are fitted as the final candidate is
        found |= lifecycle.config("train").fitting()
    return found


def describe(value: Any, reach: Reach) -> Any:
    """A configuration object as plain data, functions by the code they reach."""
    if is_dataclass(value) and not isinstance(value, type):
        content = {field.name: describe(getattr(value, field.name), reach) for field in fields(value)}
        return {"kind": type(value).__name__, **content}
    if isinstance(value, Mapping):
        return {str(key): describe(one, reach) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = [describe(one, reach) for one in value]
        ordered = sorted(items, key=repr) if isinstance(value, set | frozenset) else items
        return {"items": ordered} if isinstance(value, tuple) and value and is_dataclass(value[0]) else ordered
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if callable(value):
        return {"code": dict(reach(value))}
    return {"text": str(value)}


def _reached(lifecycle: Lifecycle, word: str, reach: Reach) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name in CODE.get(word, ()):
        if name in lifecycle.functions:
            found.update(reach(lifecycle.functions[name]))
    return found


def resources_are_for_steps(lifecycle: Lifecycle) -> Iterator[str]:
    for word in sorted(lifecycle.resources.keys() - NEEDS.keys()):
        yield f"resources names {word!r}, which is no step"


def parts_are_for_steps_that_divide(lifecycle: Lifecycle) -> Iterator[str]:
    for word, asked in sorted(lifecycle.resources.items()):
        if asked.parts > 1 and word not in DIVIDED:
            yield f"resources says parts={asked.parts} for {word!r}, which does not divide: {', '.join(DIVIDED)} do"


def label_is_not_a_feature(lifecycle: Lifecycle) -> Iterator[str]:
    schema = lifecycle.schema
    if schema.label in (schema.subject, schema.time, *schema.protected):
        yield f"the label {schema.label!r} is also subject, time or protected"


def there_is_a_source(lifecycle: Lifecycle) -> Iterator[str]:
    if not lifecycle.sources:
        yield "there is no source to collect from"


RULES = [resources_are_for_steps, parts_are_for_steps_that_divide, label_is_not_a_feature, there_is_a_source]
