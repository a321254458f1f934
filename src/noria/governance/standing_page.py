"""How a lifecycle stands, as a page."""

from html import escape

from noria.governance.loop import Loop, Spread, sum_hours
from noria.governance.needs import AUTOMATIC, PARTLY, Layer
from noria.governance.standing import Standing
from noria.report.page import Section, page, table

COLOURS = {AUTOMATIC: "pass", PARTLY: "warn"}
LIST = (
    "<style>ul{margin:.2rem 0 .6rem 1.2rem;padding:0}h3{font-size:1rem;margin:.8rem 0 .1rem}"
    ".lacks{color:var(--warn)}</style>"
)


def html(one: Standing) -> bytes:
    """The page: the figures of the loop, then the layers from the ground up."""
    lead = f"From the records; nobody was asked.{LIST}"
    layers = "".join(_layer(layer) for layer in one.layers)
    figures = table(["", "", "of"], rows(one.loop))
    return page(
        f"The loop of {one.lifecycle}", lead, [Section("How it goes round", figures), Section("What it covers", layers)]
    )


def rows(found: Loop) -> list[tuple[str, str, str]]:
    """Each figure as people read it, with what it is of."""
    back = ", ".join(f"version {number}" for number in found.rolled_back) or "none"
    share = "–" if found.share_rolled_back is None else f"{found.share_rolled_back:.0%}"
    often = "–" if found.per_week is None else f"{found.per_week:.1f} a week"
    waiting = (
        "; ".join(f"{what} for {length(seconds)}" for what, seconds in found.waiting.items()) or "nothing waits now"
    )
    later = f"; {found.unserved} not served yet" if found.unserved else ""
    told = found.restore_from_alert
    return [
        ("lead time, from arrival to serving", _middle(found.lead), f"{found.lead.count} batches{later}"),
        ("releases", often, f"{found.releases} versions"),
        ("rolled back", share, f"{back}, of {found.live} that answered"),
        ("time to restore", _middle(found.restore), f"{found.restore.count} times"),
        ("time to restore, from the first alert", _middle(told), f"{told.count} times"),
        ("waited for people", f"{sum_hours(found):.1f} h", f"{found.waited.count} decisions; {waiting}"),
    ]  # fmt: skip


def length(seconds: float) -> str:
    """A length of time in the unit that fits."""
    for name, size in (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.1f} s"


def _middle(found: Spread) -> str:
    if found.median is None or found.ninetieth is None:
        return "–"
    return (
        length(found.median)
        if found.count == 1
        else f"{length(found.median)}, 9 of 10 within {length(found.ninetieth)}"
    )


def _layer(one: Layer) -> str:
    word = f'<span class="{COLOURS.get(one.state, "block")}">{one.state}</span>'
    does = "".join(f"<li>{escape(text)}</li>" for text in one.does)
    lacks = "".join(f'<li class="lacks">missing: {escape(text)}</li>' for text in one.missing)
    return f"<h3>{escape(one.name)}: {word}</h3><ul>{does}{lacks}</ul>"
