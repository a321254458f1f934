"""Charts as pictures of their own, drawn by Altair and vl-convert: pages show them with and without script, and print.

A picture follows the scheme of the browser, light or dark. Where a page lets one move about in a chart, Vega's own
JavaScript draws it, from the same installed package; it is interpreted, because these pages let nothing be compiled.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from typing import Any

import altair as alt
import pandas  # noqa: F401  whole before Altair looks for it: a thread may be half-way through importing it
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from noria.digest import Digest
from noria.report import page
from noria.ui.ask import Ask, File, Shown

KEPT = 300  # pictures
MEDIA = "image/svg+xml"
WIDTH = 560
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans CJK SC', sans-serif"
STYLE = (
    "<style>text{fill:#3d4854;font-family:" + FONT + "}"
    '[stroke="#ddd"],[stroke="#888"]{stroke:#d5dae0}'
    "@media(prefers-color-scheme:dark){text{fill:#c3cbd4}"
    '[stroke="#ddd"],[stroke="#888"]{stroke:#3a424b}[fill="#7d8ba0"]{fill:#93a1b5}}</style>'
)
CONFIG = {
    "background": None,
    "padding": {"left": 26, "right": 12, "top": 6, "bottom": 6},  # browsers measure letters otherwise
    "view": {"stroke": None},
    "font": "sans-serif",
    "axis": {"labelFontSize": 12, "titleFontSize": 12, "labelLimit": 220, "titleFontWeight": "normal"},
    "legend": {"labelFontSize": 12, "titleFontSize": 12, "orient": "top", "labelLimit": 220},
    "range": {"category": ["#0a6fd1", "#e0752d", "#2d9a66", "#8a63d2", "#c2417c", "#7d8ba0", "#b8860b", "#1d9bb3"]},
}

_pictures: OrderedDict[str, bytes] = OrderedDict()
_lock = threading.Lock()


def answer(ask: Ask, drawing: Any) -> File | Shown:
    """A chart as a picture, or as what Vega draws it from where JSON is asked for; an empty picture where there is
    nothing to draw."""
    if drawing is None:
        return File(EMPTY, MEDIA)
    spec = specification(drawing)
    if "application/json" in ask.request.headers.get("accept", ""):
        return Shown("", spec)
    return File(picture(spec), MEDIA)


def once(ask: Ask, of: str, build: Callable[[], Any]) -> File | Shown:
    """The same for a chart of what never changes, named by ``of``: one that was drawn is not even specified again."""
    if "application/json" in ask.request.headers.get("accept", ""):
        return answer(ask, build())
    key = Digest.of_json([ask.request.url.path, ask.request.url.query, of]).hex
    with _lock:
        if key in _pictures:
            _pictures.move_to_end(key)
            return File(_pictures[key], MEDIA)
    drawing = build()
    return File(EMPTY if drawing is None else _keep(key, picture(specification(drawing))), MEDIA)


def specification(drawing: Any) -> dict[str, Any]:
    """An Altair chart as Vega-Lite, in the look of these pages."""
    spec: dict[str, Any] = drawing.to_dict(validate=False)
    return {**spec, "config": {**spec.get("config", {}), **CONFIG}}


def picture(spec: dict[str, Any]) -> bytes:
    """SVG; what was drawn before is kept."""
    key = Digest.of_json(spec).hex
    with _lock:
        if key in _pictures:
            _pictures.move_to_end(key)
            return _pictures[key]
    return _keep(key, themed(page.svg(spec)).encode())


def _keep(key: str, drawn: bytes) -> bytes:
    with _lock:
        _pictures[key] = drawn
        while len(_pictures) > KEPT:
            _pictures.popitem(last=False)
    return drawn


def themed(svg: str) -> str:
    """The picture with a style that follows light and dark."""
    head, _, rest = svg.partition(">")
    return f"{head}>{STYLE}{rest}"


EMPTY = b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'


def warm() -> None:
    """Draw something, aside: the first picture takes longer than all others."""
    nothing = {
        "mark": "point",
        "data": {"values": [{"x": 1}]},
        "encoding": {"x": {"field": "x", "type": "quantitative"}},
    }
    threading.Thread(target=picture, args=(nothing,), daemon=True, name="charts").start()


async def javascript(request: Request) -> Response:
    """Vega, Vega-Lite and Vega-Embed of the installed package."""
    text = await run_in_threadpool(_bundle)
    return Response(text, headers={"cache-control": "max-age=86400"}, media_type="text/javascript")


@cache
def _bundle() -> str:
    return page.javascript("window.vegaEmbed = vegaEmbed;")


def lines(rows: list[dict[str, Any]], x: str, y: str, color: str | None = None, **more: Any) -> alt.LayerChart:
    """Values over something, with a band for their interval where rows have ``low`` and ``high``."""
    base = alt.Chart(alt.Data(values=rows)).encode(x=alt.X(x, title=None, axis=alt.Axis(labelAngle=0)))
    hue = {"color": alt.Color(color, title=None)} if color else {"color": alt.value("#0a6fd1")}
    drawn = base.mark_line(point=alt.OverlayMarkDef(size=40, filled=True), strokeWidth=2).encode(
        y=alt.Y(y, title=more.get("title"), scale=alt.Scale(zero=False)), **hue
    )
    if any(one.get("low") is not None for one in rows):
        band = base.mark_area(opacity=0.18).encode(y=alt.Y("low:Q", title=more.get("title")), y2="high:Q", **hue)
        drawn = band + drawn
    return alt.layer(drawn).properties(width=WIDTH, height=more.get("height", 180))
