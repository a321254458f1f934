"""The log of decisions: who, what, why; and whether its chain holds."""

from typing import Any

from noria.store import audit
from noria.ui.ask import Ask, Shown

PAGE = 100  # entries


def page(ask: Ask) -> Shown:
    """The newest entries, or those up to one; and what a verification of all of them found."""
    with ask.place.store.read() as c:
        count = audit.count(c)
        last = ask.number("entry", 0) or ask.number("upto", 0) or count
        entries = [one for one in audit.entries(c, max(1, last - PAGE + 1), most=PAGE) if one.number <= last][::-1]
    checked = ask.slow.get("chain", count, lambda: _checked(ask))
    found = checked.value or {"problems": [], "entries": 0}
    return Shown("audit.html", {
        "entries": entries, "count": count, "last": last, "one": ask.number("entry", 0), "problems": found["problems"],
        "checked": found["entries"], "counting": not checked.fresh, "size": PAGE,
    })  # fmt: skip


def _checked(ask: Ask) -> dict[str, Any]:
    with ask.place.store.read() as c:
        return {"entries": audit.count(c), "problems": list(audit.problems(c))[:PAGE]}
