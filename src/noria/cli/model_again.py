"""noria model reproduce: a version, built again."""

from noria.cli import output
from noria.cli.model_find import AsJson, Name, find
from noria.run.reproduce import reproduce as build_again

DIFFERENT = 1


def reproduce(name: Name, json: AsJson = False) -> int:
    """Build a version again from its batches, as it is on record; say whether it is the same to the bit.

    Ends with 0 if it is, or if no answer to an analysis row changes; else with 1. Nothing is stored.
    """
    place = output.existing_place()
    version = find(place, name)
    with output.console.status(f"building {version.model}@{version.number} again"):
        found = build_again(place, version)
    if json:
        output.show_json(found.plain())
    else:
        shown = [(one.name, _short(one.recorded), _short(one.made), "same" if one.same else "differs")
                 for one in found.parts]  # fmt: skip
        output.show_table(f"{found.model}@{found.number}", ["part", "on record", "now", ""], shown)
        output.say(found.said())
        for reason in found.reasons:
            output.say(f"  {reason}")
    return 0 if found.identical or found.agrees else DIFFERENT


def _short(digest: str | None) -> str | None:
    return None if digest is None else digest[:12]
