"""The code of a run, on whatever machine works at it: unpacked from its bundle, not from a checkout."""

from noria.run import bundle, local
from noria.run.place import Code, Place, bundle_of
from noria.store.runs import Run


def code_of(place: Place, run: Run) -> Code:
    """Load the lifecycle that a run was compiled from.

    Relative paths of its sources start at the folder it was unpacked to; what several machines collect from needs an
    absolute path or a URL.
    """
    folder = place.settings.cache / "bundles" / run.plan.bundle
    if not folder.exists():
        bundle.unpack(bundle_of(place, run.plan.bundle), folder)
    return local.load(folder / run.plan.entry)
