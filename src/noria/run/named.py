"""Files beside the lifecycle file that its declaration names: they are part of the code, and travel with it."""

from collections.abc import Mapping
from pathlib import Path

from noria.digest import Digest
from noria.run.place import Code
from noria.validate import schema_file


def files(code: Code) -> dict[str, list[Path]]:
    """By step word, the files that its configuration names.

    Raises
    ------
    BadLifecycle
        If one is not there or cannot be used.
    """
    expect = code.lifecycle.validate.expect
    if expect is None:
        return {}
    path = code.project / expect
    schema_file.read(path)
    return {"validate": [path]}


def digests(code: Code) -> Mapping[str, Mapping[str, str]]:
    """The same as what decides the step's result: each file's name and digest."""
    return {
        word: {f"file {path.relative_to(code.project)}": Digest.of(path.read_bytes()).hex for path in found}
        for word, found in files(code).items()
    }


def all_files(code: Code) -> list[Path]:
    return [path for found in files(code).values() for path in found]
