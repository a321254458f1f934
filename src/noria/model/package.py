"""Model, preprocessing and signature in one file, under a format number."""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noria.digest import canonical
from noria.errors import Damaged
from noria.model.predictor import Predictor
from noria.model.signature import Signature

FORMAT = 1
MANIFEST = "manifest.json"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same bytes for the same model, whenever it was packed


@dataclass(frozen=True, slots=True)
class Package:
    """``kind`` is ``onnx`` or ``sklearn``; ``about`` is plain data: parameters, metrics, where it came from."""

    kind: str
    signature: Signature
    about: Mapping[str, Any]
    content: bytes

    def predictor(self) -> Predictor:
        """Load the model, ready to answer."""
        if self.kind == "onnx":
            from noria.model.onnx import Onnx

            return Onnx(self.content, self.signature)
        from noria.model.sklearn import Sklearn

        return Sklearn(self.content, self.signature)


def pack(package: Package) -> bytes:
    """The package as one file; equal packages give equal bytes."""
    manifest = {
        "format": FORMAT,
        "kind": package.kind,
        "signature": package.signature.to_json(),
        "about": dict(package.about),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in ((MANIFEST, canonical(manifest)), ("model", package.content)):
            archive.writestr(zipfile.ZipInfo(name, EPOCH), data)
    return buffer.getvalue()


def read(path: Path) -> Package:
    """A package from a file of the artifact store, which has verified its digest.

    Raises
    ------
    Damaged
        If it is not a package, or of a newer format.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            manifest, content = json.loads(archive.read(MANIFEST)), archive.read("model")
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise Damaged(f"not a model package: {error}", where=str(path), do="Train the model again.") from error
    if manifest["format"] > FORMAT:
        raise Damaged(f"the package has format {manifest['format']}", where=str(path), do="Upgrade noria.")
    return Package(manifest["kind"], Signature.from_json(manifest["signature"]), manifest["about"], content)
