"""How each lifecycle stands: the figures of its loop, and which layers of the hierarchy of needs it covers."""

from typing import Any

from noria.governance.standing import plain, standing
from noria.store import overview
from noria.ui.ask import Ask, Shown

MOST = 12  # lifecycles


def page(ask: Ask) -> Shown:
    """All lifecycles; what has to go through all records is computed aside."""
    with ask.place.store.read() as c:
        names = overview.lifecycles(c)
        mark = overview.pulse(c)
    found = [_one(ask, name, mark) for name in names[:MOST]]
    return Shown(
        "report.html", {"found": found, "counting": any(one["counting"] for one in found), "more": names[MOST:]}
    )


def _one(ask: Ask, name: str, mark: str) -> dict[str, Any]:
    known = ask.slow.get(("standing", name), mark, lambda: plain(standing(ask.place, name)))
    return {"lifecycle": name, "standing": known.value, "counting": not known.fresh, "trouble": known.trouble}
