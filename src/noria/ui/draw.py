"""Values become HTML: the templates, one environment a language, and how values are written in them."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from math import isfinite
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from noria.ui import language
from noria.ui.language import Language
from noria.ui.wheel import SIGNS
from noria.ui.words import REMEDY

TRACED = ("source", "batch", "dataset_version", "run", "release", "model_version", "prediction")
LONG = 60  # characters of a name that is shown whole


@cache
def environment(code: str) -> Environment:
    """The templates in a language. What is not there is an error, and all values are escaped."""
    spoken = language.languages()[code]
    made = Environment(
        loader=PackageLoader("noria.ui"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.globals |= {
        "_": spoken.say,
        "ngettext": spoken.several,
        "version": _version(),
        "SIGNS": SIGNS,
        "REMEDY": REMEDY,
    }
    filters: dict[str, Any] = {
        "time": lambda at: time(at, spoken),
        "ago": lambda at: ago(at, spoken),
        "lasting": spoken.lasting,
        "cell": lambda value: cell(value, spoken),
        "number": spoken.number,
        "percent": lambda value: Markup("–") if value is None else spoken.percent(value),
        "name": name,
        "part": lambda value: quote(str(value), safe="@"),
        "json": lambda value: json.dumps(value),
        "node": node,
        "home": home,
    }
    made.filters |= filters
    return made


def warm() -> None:
    """Read the catalogues and the templates now rather than while somebody waits for the first page."""
    for code in language.LANGUAGES:
        made = environment(code)
        for one in made.list_templates(extensions=["html"]):
            made.get_template(one)


def html(template: str, values: Mapping[str, Any], spoken: Language) -> str:
    return environment(spoken.code).get_template(template).render(values)


def time(at: datetime | str | None, spoken: Language) -> Markup:
    """A time, to the minute, with all of it for machines."""
    if at is None:
        return Markup("–")
    at = datetime.fromisoformat(at) if isinstance(at, str) else at
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), spoken.time(at))


def ago(at: datetime | str | None, spoken: Language) -> Markup:
    """How long ago, with the time itself behind it."""
    if at is None:
        return Markup("–")
    at = datetime.fromisoformat(at) if isinstance(at, str) else at
    said = spoken.ago(at, datetime.now(UTC))
    return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(), spoken.time(at), said)


def cell(value: Any, spoken: Language) -> Markup | str:
    """One value as people read it; texts that somebody wrote run in their own direction."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "✓" if value else "–"
    if isinstance(value, int | float):
        return spoken.number(value) if isfinite(value) else "∞" if value > 0 else "-∞"
    if isinstance(value, datetime):
        return time(value, spoken)
    if isinstance(value, Mapping):
        return Markup(", ").join(Markup("{} {}").format(name(k), cell(v, spoken)) for k, v in value.items())
    if isinstance(value, list | tuple):
        return Markup(", ").join(cell(one, spoken) for one in value)
    return name(value)


def name(value: Any) -> Markup:
    """A name that somebody gave: isolated, so that its direction stays its own; a long one is cut where it is seen."""
    text = str(value)
    if len(text) <= LONG:
        return Markup("<bdi>{}</bdi>").format(text)
    return Markup('<bdi class="long" title="{}">{}</bdi>').format(text, text)


def node(id: str) -> str | None:
    """Where a thing of the lineage or the log, such as ``model_version:loans@3``, leads: to its own lineage, mostly;
    None if there is no more to see of it."""
    kind, _, rest = id.partition(":")
    where = {
        "model": "/model/{}",
        "endpoint": "/route/{}",
        "artifact": "/artifact/{}",
        "audit": "/audit?entry={}",
        "token": "/audit",
        "erasure": "/erase",
    }
    if kind == "step":
        run, _, step = rest.partition("/")
        return f"/run/{quote(run)}#{quote(step)}"
    if kind == "experiment":
        endpoint, _, number = rest.partition("#")
        return f"/experiment/{quote(endpoint)}?number={quote(number)}"
    if kind in where:
        return where[kind].format(quote(rest, safe="@"))
    return f"/trace?id={quote(id, safe='@:')}" if kind in TRACED else None


def home(id: str) -> str | None:
    """The page of its own that a thing of the lineage has; None if it has none."""
    kind, _, rest = id.partition(":")
    where = {"model_version": "/model/{}", "dataset_version": "/data/{}", "run": "/run/{}", "release": "/release/{}",
             "artifact": "/artifact/{}", "audit": "/audit?entry={}"}  # fmt: skip
    if kind == "step":
        return node(id)
    return where[kind].format(quote(rest, safe="@")) if kind in where else None


def _version() -> str:
    """Changes with the static files, which browsers keep."""
    from noria.digest import Digest

    static = files("noria.ui").joinpath("static")
    parts = sorted((file.name, file.read_bytes()) for file in static.iterdir() if re.search(r"\.(css|js)$", file.name))
    return Digest.of(b"".join(data for _, data in parts)).hex[:12]
