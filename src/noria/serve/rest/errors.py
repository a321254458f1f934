"""Errors as HTTP says them: one table, one shape, ``{"error": "…"}``."""

from noria.errors import BadInput, Forbidden, NoriaError, NotFound, StoreUnavailable, Unauthenticated, UserError

STATUS: tuple[tuple[type[NoriaError], int], ...] = (
    (NotFound, 404),
    (BadInput, 400),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (UserError, 400),
    (StoreUnavailable, 503),
    (NoriaError, 500),
)


class Refused(Exception):
    """A request that HTTP itself refuses: too large, wrong method, unknown path."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def status_of(error: NoriaError) -> int:
    """The status an error becomes."""
    return next(status for kind, status in STATUS if isinstance(error, kind))
