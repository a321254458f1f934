"""Errors as gRPC says them: one table."""

from typing import NoReturn

import grpc

from noria.errors import BadInput, Forbidden, NoriaError, NotFound, StoreUnavailable, Unauthenticated, UserError

STATUS: tuple[tuple[type[NoriaError], grpc.StatusCode], ...] = (
    (NotFound, grpc.StatusCode.NOT_FOUND),
    (BadInput, grpc.StatusCode.INVALID_ARGUMENT),
    (Unauthenticated, grpc.StatusCode.UNAUTHENTICATED),
    (Forbidden, grpc.StatusCode.PERMISSION_DENIED),
    (UserError, grpc.StatusCode.INVALID_ARGUMENT),
    (StoreUnavailable, grpc.StatusCode.UNAVAILABLE),
    (NoriaError, grpc.StatusCode.INTERNAL),
)
MOST = 2000  # characters of a message: it travels in a header


def code_of(error: NoriaError) -> grpc.StatusCode:
    """The status an error becomes."""
    return next(code for kind, code in STATUS if isinstance(error, kind))


def one_line(error: NoriaError) -> str:
    """What an error says; names that callers sent may hold line breaks."""
    return " ".join(str(error)[:MOST].splitlines())


def refuse(context: grpc.ServicerContext, error: NoriaError) -> NoReturn:
    """End a call with an error."""
    context.abort(code_of(error), one_line(error))
    raise AssertionError("abort raises")
