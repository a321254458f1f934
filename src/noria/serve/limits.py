"""What a server takes at most, of one request and of one caller's time."""

from dataclasses import dataclass

from noria.errors import BadInput, StoreUnavailable, UserError

MOST_ROWS = 65_536  # whatever is set


@dataclass(frozen=True, slots=True)
class Limits:
    """
    body
        Bytes of a request, packed and unpacked.
    rows
        Rows of a request.
    tensors
        Inputs of a request, those that the model does not know too.
    seconds
        Until a request must have come in whole, and again until it must be answered.
    """

    body: int = 64 << 20
    rows: int = MOST_ROWS
    tensors: int = 4_096
    seconds: float = 30.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise UserError(f"{name} is {getattr(self, name)}", where="limits", do="Give a number above 0.")
        if self.rows > MOST_ROWS:
            raise UserError(f"rows is {self.rows}", where="limits", do=f"Give at most {MOST_ROWS}.")

    def check(self, rows: int, tensors: int) -> None:
        """``BadInput`` if it is more than a request may have."""
        if rows > self.rows:
            raise BadInput(f"the request has {rows} rows", where="body", do=f"Send at most {self.rows} at once.")
        if tensors > self.tensors:
            raise BadInput(f"the request has {tensors} inputs", where="body", do=f"Send at most {self.tensors}.")

    def too_late(self, model: str) -> StoreUnavailable:
        """There was no answer in time."""
        return StoreUnavailable(
            f"there was no answer within {self.seconds:g} s", where=model, do="Ask again later, or for fewer rows."
        )
