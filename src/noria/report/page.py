"""One self-contained HTML page: no network, no script, charts as inline SVG; light, dark and printable."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

UNBROKEN = 26  # characters of a cell with a number in it that stay on one line
STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--soft:#f3f5f7;--line:#d5dae0;--pass:#1a7f37;--warn:#9a6700;--block:#c0262d}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ec;--paper:#15181c;--soft:#20252b;--line:#3a424b;--pass:#4ac26b;--warn:#d4a72c;--block:#ff7b72}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.7rem;margin:0}h2{font-size:1.2rem;margin:2rem 0 .5rem}.lead{font-size:1.1rem;margin:.3rem 0 1rem}
table{border-collapse:collapse;width:100%;font-size:.92rem}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
th.n,td.n{text-align:right;font-variant-numeric:tabular-nums}.wide{overflow-x:auto}td.s{white-space:nowrap}h1,h2,p,li{overflow-wrap:anywhere}
.pass{color:var(--pass)}.warn{color:var(--warn)}.block{color:var(--block)}.pass,.warn,.block{font-weight:600}
figure{margin:1rem 0;background:#fff;color:#1b1f24;padding:.5rem .5rem .5rem 2rem;border-radius:.4rem;overflow-x:auto}figure svg{max-width:100%;height:auto;overflow:visible}
@media print{body{margin:0;max-width:none}}
"""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it, as HTML made by the functions of this module."""

    title: str
    body: str


def page(title: str, lead: str, sections: Sequence[Section]) -> bytes:
    """The whole page, UTF-8."""
    body = "".join(f"<section><h2>{escape(s.title)}</h2>{s.body}</section>" for s in sections)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    html = f'<!doctype html><html lang="en"><head>{head}<style>{STYLE}</style></head>'
    return (
        html + f'<body><main><h1>{escape(title)}</h1><p class="lead">{lead}</p>{body}</main></body></html>'
    ).encode()


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Rows as an HTML table; the words pass, warn and block get their colours."""
    if not rows:
        return "<p>None.</p>"
    sides = [_side(values) for values in zip(*rows, strict=True)]
    head = "".join(f"<th{side}>{escape(column)}</th>" for column, side in zip(columns, sides, strict=True))
    body = "".join("<tr>" + "".join(map(_cell, row, sides)) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def facts(values: Mapping[str, Any]) -> str:
    """Names and values as a two-column table."""
    return table(["", ""], list(values.items()))


def bullets(sentences: Sequence[str], nothing: str) -> str:
    """Sentences, one below the other."""
    items = "".join(f"<li>{escape(one)}</li>" for one in sentences)
    return f"<ul>{items}</ul>" if items else f"<p>{escape(nothing)}</p>"


def word(verdict: str) -> str:
    """A verdict in its colour."""
    return f'<span class="{escape(verdict)}">{escape(verdict)}</span>'


def chart(drawing: Any, caption: str) -> str:
    """An Altair chart as inline SVG."""
    drawn = svg(drawing.to_dict(validate=False))  # its parts were validated as they were made
    return f"<figure>{drawn}<figcaption>{escape(caption)}</figcaption></figure>"


def svg(specification: Mapping[str, Any]) -> str:
    """A Vega-Lite specification as SVG."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(dict(specification)))


def javascript(code: str) -> str:
    """Code that uses Vega, Vega-Lite and Vega-Embed, with these in it: nothing is fetched."""
    import vl_convert

    return str(vl_convert.javascript_bundle(code))


def _side(values: Sequence[Any]) -> str:
    """Where a column's head stands: over its numbers, if it holds numbers only."""
    numbers = all((isinstance(one, float | int) and not isinstance(one, bool)) or one is None for one in values)
    return ' class="n"' if numbers and any(one is not None for one in values) else ""


def _cell(value: Any, side: str) -> str:
    if isinstance(value, float):
        return f'<td class="n">{value:.4g}</td>'
    if isinstance(value, int) and not isinstance(value, bool):
        return f'<td class="n">{value:,}</td>'
    if value in ("pass", "warn", "block"):
        return f"<td>{word(value)}</td>"
    if isinstance(value, Mapping):
        value = ", ".join(f"{k}: {v:.3g}" if isinstance(v, float) else f"{k}: {v}" for k, v in value.items())
    if value is None:
        return f"<td{side}>–</td>"
    text = str(value)
    kept = ' class="s"' if _is_one(text) else ""
    return f"<td{kept}>{escape(text)}</td>"


def _is_one(text: str) -> bool:
    """Whether a cell is a date, or a value with its interval, which is not to be broken over lines."""
    return len(text) <= UNBROKEN and any(one.isdigit() for one in text)
