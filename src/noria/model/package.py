"""Model, preprocessor and signature in one file: a zip that has the same bytes for the same content."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from noria.digest import Digest, canonical
from noria.errors import BadInput, Damaged
from noria.model.format import FORMATS, Predictor, format_of
from noria.model.signature import Signature

FORMAT = 1
TIME = (1980, 1, 1, 0, 0, 0)
# All that zipfile and json raise for bytes that are none of theirs.
UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    LookupError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Package:
    """A model as it is kept, moved and served.

    kind
        ``onnx``, ``sklearn`` or ``lightgbm``.
    params
        The parameters it was trained with.
    release
        What is known of where it comes from, as plain data.
    trusted
        Its bytes have the digest that the metadata store gives.
    """

    kind: str
    signature: Signature
    files: Mapping[str, bytes]
    params: Mapping[str, Any] = field(default_factory=dict)
    release: Mapping[str, Any] = field(default_factory=dict)
    trusted: bool = False

    def predictor(self) -> Predictor:
        """The loaded model."""
        return format_of(self.kind).load(self.files, self.signature, trusted=self.trusted)

    def to_bytes(self) -> bytes:
        """The package as one file; the same bytes for the same content."""
        manifest = {
            "format": FORMAT,
            "kind": self.kind,
            "signature": self.signature.plain(),
            "params": dict(self.params),
            "release": dict(self.release),
            "files": {name: Digest.of(data).hex for name, data in self.files.items()},
        }
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            for name, data in [("manifest.json", canonical(manifest)), *sorted(self.files.items())]:
                archive.writestr(zipfile.ZipInfo(name, TIME), data)
        return out.getvalue()


def write(path: Path, package: Package) -> Digest:
    """Write a package; its digest."""
    data = package.to_bytes()
    path.write_bytes(data)
    return Digest.of(data)


def read(path: Path, digest: Digest | None = None) -> Package:
    """A package from its file.

    Parameters
    ----------
    digest
        What the metadata store says its bytes are; then it is trusted, and may hold pickles.

    Raises
    ------
    Damaged
        If the bytes have another digest, or are no package.
    BadInput
        If it was written by a newer noria.
    """
    return from_bytes(path.read_bytes(), digest, where=str(path))


def from_bytes(data: bytes, digest: Digest | None = None, where: str = "package") -> Package:
    """A package from its bytes; see ``read``."""
    if digest is not None and Digest.of(data) != digest:
        raise Damaged(f"the model is not what its digest {digest} says", where=where, do="Restore it from a backup.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            manifest = json.loads(archive.read("manifest.json"))
            files = {name: archive.read(name) for name in archive.namelist() if name != "manifest.json"}
        newer = manifest["format"] > FORMAT or manifest["kind"] not in FORMATS
    except UNREADABLE as error:
        raise Damaged(f"this is no model package: {error}", where=where, do="Restore it from a backup.") from error
    if newer:
        raise BadInput("the package was written by a newer noria", where=where, do="Upgrade noria.")
    wrong = [name for name, content in files.items() if Digest.of(content).hex != manifest["files"].get(name)]
    if wrong or files.keys() != manifest["files"].keys():
        raise Damaged(f"the package's file {', '.join(wrong) or 'list'} was altered", where=where, do="Restore it.")
    return Package(
        kind=manifest["kind"],
        signature=Signature.of(manifest["signature"]),
        files=files,
        params=manifest["params"],
        release=manifest["release"],
        trusted=digest is not None,
    )
