"""The process that ``apart.py`` starts: loads one package, answers batches until its socket is closed."""

import os
import signal
import socket
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noria.digest import Digest
from noria.errors import BadInput, NoriaError
from noria.model import package
from noria.model.format import Predictor
from noria.serve.apart import DECODE_ASKED, Batch, Package, Ready, Said, Scores, Wrong, receive, send

WARM = 3
ROWS_AT_FAULT = (ValueError, TypeError, OverflowError)  # what models say of rows they cannot take


def main(handle: int) -> int:
    """Serve the socket with this file descriptor; exit code 1 if the package cannot be loaded."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which closes the socket when it is done
    with socket.socket(fileno=handle) as wire:
        try:
            predictor = _load(receive(wire, DECODE_ASKED))
        except NoriaError as error:
            send(wire, Wrong(error.what, error.where, error.do, bad_input=False))
            return 1
        except Exception as error:  # whatever a model's code raises as it is loaded
            send(wire, _failed("the model cannot be loaded", error))
            return 1
        send(wire, Ready())
        while True:
            try:
                asked = receive(wire, DECODE_ASKED)
            except (EOFError, ConnectionError):
                return 0
            send(wire, _answer(predictor, asked))


def _load(asked: Package) -> Predictor:
    packed = package.from_bytes(asked.data, Digest(asked.digest), where="package")
    predictor = packed.predictor()
    row = {f.name: np.array([0.0 if f.numeric else "missing"], dtype=object) for f in packed.signature.inputs}
    for _ in range(WARM):
        predictor.predict(row)
    return predictor


def _answer(predictor: Predictor, asked: Batch) -> Said:
    try:
        with np.errstate(over="ignore"):  # what float32 cannot hold is infinite
            scores = predictor.predict(_columns(asked.columns)).scores
    except NoriaError as error:
        return Wrong(error.what, error.where, error.do, isinstance(error, BadInput))
    except ROWS_AT_FAULT as error:
        what = f"the model cannot answer this: {str(error).partition(chr(10))[0]}"
        return Wrong(what, "model", "See to missing values and numbers out of range.", bad_input=True)
    except Exception as error:  # the model's own code failed: its caller is told, and the next rows are answered
        return _failed("the model failed", error)
    wide = np.ascontiguousarray(scores, dtype=np.float32).reshape(len(scores), -1)
    return Scores(wide.tobytes(), wide.shape[1])


def _columns(columns: Mapping[str, list[Any]]) -> dict[str, NDArray[Any]]:
    found = {}
    for name, values in columns.items():
        found[name] = np.empty(len(values), dtype=object)
        found[name][:] = values
    return found


def _failed(what: str, error: Exception) -> Wrong:
    said = (str(error).splitlines() or [""])[0][:200]
    return Wrong(f"{what}: {type(error).__name__}: {said}", "model", "See the model's code.", bad_input=False)


if __name__ == "__main__":
    code = main(int(sys.argv[1]))
    sys.stdout.flush()
    os._exit(code)  # a model's own threads do not keep it
