"""The code of a run, on whatever machine works at it: unpacked from its bundle, not from a checkout."""

from dataclasses import replace

from noria.plan import Plan
from noria.run import bundle, local
from noria.run.place import Code, Place, bundle_of


def code_of(place: Place, plan: Plan) -> Code:
    """Load the lifecycle that a plan was compiled from.

    Relative paths of its sources start at the project's folder, if the settings name it (``NORIA_PROJECT``), or at the
    folder it was unpacked to; what several machines collect from needs an absolute path or a URL.
    """
    folder = place.settings.cache / "bundles" / plan.bundle
    if not folder.exists():
        bundle.unpack(bundle_of(place, plan.bundle), folder)
    loaded = local.load(folder / plan.entry)
    return replace(loaded, sources=place.settings.project)
