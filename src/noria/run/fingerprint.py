"""What a step would compute, as a digest of all it would be computed from."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from noria.digest import Digest
from noria.plan import Step
from noria.store.attempt import Result

Uses = Mapping[str, Sequence[str]]


def ingredients(
    step: Step,
    *,
    format: int,
    seed: int,
    remedy: str | None,
    inputs: Mapping[str, Result],
    uses: Uses | None,
    observed: object,
) -> dict[str, str]:
    """Everything that decides a step's result, by name; equal ingredients give equal results.

    Parameters
    ----------
    format
        The stage's own number, raised when noria computes it differently.
    inputs
        Results of the steps before it.
    uses
        By step word, the names of facts and outputs it takes; None: all of all.
    observed
        State outside the run that it depends on, as plain data; a mapping holds digests of files by their names.
    """
    found = {"noria": str(format), "seed": str(seed)}
    if remedy is not None:
        found["remedy"] = remedy
    for name, value in step.config.items():
        found[f"config {name}"] = _short(value)
    for name, digest in step.reached.items():
        found[f"code {name}"] = digest
    for word, result in inputs.items():
        found.update(_taken(word, result, uses))
    if isinstance(observed, Mapping):
        found |= {f"file {name}": digest for name, digest in observed.items()}
    elif observed is not None:
        found["observed"] = _short(observed)
    return found


def fingerprint(found: Mapping[str, str]) -> str:
    """The digest of a step's ingredients, in hexadecimal."""
    return Digest.of_json(dict(found)).hex


def changes(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """Sentences that say what makes two fingerprints differ: code first, then settings, then what steps before gave."""
    differing = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    given = [name for name in differing if name.startswith("input ")]
    return [*(_change(name, old, new) for name in differing if name not in given), *_given(given)]


def _change(name: str, old: Mapping[str, str], new: Mapping[str, str]) -> str:
    kind, _, rest = name.partition(" ")
    verb = "is new" if name not in old else "is gone" if name not in new else "changed"
    if kind in ("code", "file"):
        return f"{rest} {verb}"
    if kind == "config":
        shown = f": {old[name]} → {new[name]}" if verb == "changed" and _fits(old, new, name) else ""
        return f"setting {rest} {verb}{shown}"
    if kind == "observed":
        return "something new arrived"
    if kind == "remedy":
        return f"remedy: {old.get(name, 'none')} → {new.get(name, 'none')}"
    return f"{kind} {verb}: {old.get(name)} → {new.get(name)}"


def _given(names: Sequence[str]) -> Iterator[str]:
    """One sentence for each step whose results differ."""
    by_step: dict[str, list[str]] = {}
    for name in names:
        word, _, what = name.removeprefix("input ").partition("'s ")
        by_step.setdefault(word, []).append(what)
    for word, found in by_step.items():
        yield f"{word} gave something else: {', '.join(found)}"


def _fits(old: Mapping[str, str], new: Mapping[str, str], name: str) -> bool:
    return len(old[name]) + len(new[name]) <= 80


def _taken(word: str, result: Result, uses: Uses | None) -> Iterator[tuple[str, str]]:
    if uses is not None and word not in uses:
        return
    names = set(uses[word]) if uses is not None else None
    for name, value in result.facts.items():
        if names is None or name in names:
            yield f"input {word}'s {name}", _short(value)
    for name, out in result.outputs.items():
        if names is None or name in names:
            yield f"input {word}'s {name}", out.digest.hex


def _short(value: Any) -> str:
    """The value itself where it is short, so that explaining can show it; its digest otherwise."""
    text = repr(value)
    return text if len(text) <= 60 else Digest.of_json(value).hex
