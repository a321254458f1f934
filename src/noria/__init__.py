"""noria: one Python file turns arriving data into a governed model service that renews itself."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what editors and type checkers read
    from noria.analyze.config import Analyze as Analyze
    from noria.client import Client as Client
    from noria.collect.config import Captured as Captured
    from noria.collect.config import Files as Files
    from noria.collect.config import Folder as Folder
    from noria.collect.config import Rows as Rows
    from noria.collect.config import Sql as Sql
    from noria.data.explore import explore as explore
    from noria.data.schema import Schema as Schema
    from noria.errors import NoriaError as NoriaError
    from noria.errors import UserError as UserError
    from noria.feedback.config import Feedback as Feedback
    from noria.feedback.config import every as every
    from noria.feedback.config import when as when
    from noria.feedback.config import when_drift as when_drift
    from noria.feedback.config import when_label_shift as when_label_shift
    from noria.feedback.config import when_labelled as when_labelled
    from noria.lifecycle import Lifecycle as Lifecycle
    from noria.notebook import Project as Project
    from noria.plan import Resources as Resources
    from noria.preprocess.characters import CharIndices as CharIndices
    from noria.preprocess.dates import Dates as Dates
    from noria.preprocess.lists import MultiHot as MultiHot
    from noria.preprocess.tokens import TokenIndices as TokenIndices
    from noria.preprocess.vectors import TokenVectors as TokenVectors
    from noria.release.config import Release as Release
    from noria.release.config import at_least as at_least
    from noria.release.config import better_than_champion as better_than_champion
    from noria.release.config import calibrated as calibrated
    from noria.release.config import fair as fair
    from noria.release.config import fits as fits
    from noria.release.config import no_slice_worse as no_slice_worse
    from noria.release.config import stable as stable
    from noria.serve.config import Serve as Serve
    from noria.train.config import Train as Train
    from noria.train.config import Tune as Tune
    from noria.train.config import choice as choice
    from noria.train.config import integer as integer
    from noria.train.config import loguniform as loguniform
    from noria.train.config import uniform as uniform
    from noria.train.network import Torch as Torch
    from noria.validate.config import Validate as Validate

__version__ = "0.1.0"

_HOME = {  # what runs, when first used
    "Analyze": "noria.analyze.config",
    "Captured": "noria.collect.config",
    "CharIndices": "noria.preprocess.characters",
    "Client": "noria.client",
    "Dates": "noria.preprocess.dates",
    "Feedback": "noria.feedback.config",
    "Files": "noria.collect.config",
    "Folder": "noria.collect.config",
    "Lifecycle": "noria.lifecycle",
    "MultiHot": "noria.preprocess.lists",
    "NoriaError": "noria.errors",
    "Project": "noria.notebook",
    "Release": "noria.release.config",
    "Resources": "noria.plan",
    "Rows": "noria.collect.config",
    "Schema": "noria.data.schema",
    "Serve": "noria.serve.config",
    "Sql": "noria.collect.config",
    "TokenIndices": "noria.preprocess.tokens",
    "TokenVectors": "noria.preprocess.vectors",
    "Torch": "noria.train.network",
    "Train": "noria.train.config",
    "Tune": "noria.train.config",
    "UserError": "noria.errors",
    "Validate": "noria.validate.config",
    "at_least": "noria.release.config",
    "better_than_champion": "noria.release.config",
    "calibrated": "noria.release.config",
    "choice": "noria.train.config",
    "every": "noria.feedback.config",
    "explore": "noria.data.explore",
    "fair": "noria.release.config",
    "fits": "noria.release.config",
    "integer": "noria.train.config",
    "loguniform": "noria.train.config",
    "no_slice_worse": "noria.release.config",
    "stable": "noria.release.config",
    "uniform": "noria.train.config",
    "when": "noria.feedback.config",
    "when_drift": "noria.feedback.config",
    "when_label_shift": "noria.feedback.config",
    "when_labelled": "noria.feedback.config",
}
__all__ = [
    "Analyze",
    "Captured",
    "CharIndices",
    "Client",
    "Dates",
    "Feedback",
    "Files",
    "Folder",
    "Lifecycle",
    "MultiHot",
    "NoriaError",
    "Project",
    "Release",
    "Resources",
    "Rows",
    "Schema",
    "Serve",
    "Sql",
    "TokenIndices",
    "TokenVectors",
    "Torch",
    "Train",
    "Tune",
    "UserError",
    "Validate",
    "at_least",
    "better_than_champion",
    "calibrated",
    "choice",
    "every",
    "explore",
    "fair",
    "fits",
    "integer",
    "loguniform",
    "no_slice_worse",
    "stable",
    "uniform",
    "when",
    "when_drift",
    "when_label_shift",
    "when_labelled",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'noria' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
