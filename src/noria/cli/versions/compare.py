"""noria data compare: any two versions, batches or files, worst first."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from noria.cli import output
from noria.cli.versions import sides
from noria.cli.versions.files import replacing
from noria.cli.versions.names import AsJson

SEEN = 0.005  # a smaller share is that of a name rather than of a kind
SideName = Annotated[
    str, typer.Argument(metavar="A", help="DATASET@VERSION, DATASET/BATCH, or a CSV, Parquet or JSON-lines file.")
]
Other = Annotated[str, typer.Argument(metavar="B", help="The same.")]
Label = Annotated[str | None, typer.Option(help="The column with the label; else as the newest run declares it.")]
Html = Annotated[Path | None, typer.Option("--html", help="Write the page with the charts to this file.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the file that is there.")]


def compare(
    a: SideName, b: Other, label: Label = None, html: Html = None, force: Force = False, json: AsJson = False
) -> None:
    """What changed from A to B: label shares, columns that moved, came or went; worst first."""
    from noria.validate.compare import compare as held_against  # statistics that no other command waits for

    both = [sides.side(name) for name in (a, b)]
    schema, config = sides.declared(both, label)
    before, after = (sides.profile_of(one, schema) for one in both)
    found = held_against(before, after, schema, config)
    title = f"{both[0].name} → {both[1].name}"
    if html is not None:
        from noria.validate import pages  # loads what draws, which takes as long as everything else

        with replacing(html, force=force) as part:
            part.write_bytes(pages.comparison(title, found, before, after))
    if json:
        output.show_json({"a": both[0].name, "b": both[1].name, **found, "html": html})
        return
    output.say(f"{title}: {found['rows'][0]:,} → {found['rows'][1]:,} rows")
    if found["labels"]:
        columns = ["label", "before", "after", "change", "95 % interval"]
        output.show_table("Label", columns, [_label(one) for one in found["labels"]])
    columns = ["column", "kind", "", "how far", "p", "missing", "typical"]
    output.show_table("Columns, worst first", columns, [_column(one) for one in found["columns"]])
    if html is not None:
        output.say(f"Charts: {html}")


def _label(one: Mapping[str, Any]) -> tuple[str, ...]:
    interval = f"{one['low']:+.1%} to {one['high']:+.1%}"
    return one["label"], f"{one['before']:.1%}", f"{one['after']:.1%}", f"{one['change']:+.1%}", interval


def _column(one: Mapping[str, Any]) -> tuple[Any, ...]:
    far = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in one["measures"].items())
    sides = (one["before"], one["after"])
    p = f"{one['p']:.2g}" if one["measures"] else None
    return one["column"], one["kind"], one["status"], far or None, p, _turned(sides, _missing), _turned(sides, _typical)


def _turned(sides: tuple[Any, Any], shown: Any) -> str:
    """Both sides' words, or one if they are the same."""
    words = ["–" if one is None else shown(one) for one in sides]
    return words[0] if words[0] == words[1] else " → ".join(words)


def _missing(side: Mapping[str, Any]) -> str:
    return f"{side['missing']:.1%}"


def _typical(side: Mapping[str, Any]) -> str:
    if "mean" in side:
        return f"{side['mean']:.4g} ± {side['deviation']:.3g}"
    if "first" in side:
        return f"{side['first']} … {side['last']}"
    return (
        ", ".join(f"{value} {share:.0%}" for value, share in list(side.get("values", {}).items())[:3] if share >= SEEN)
        or "–"
    )
