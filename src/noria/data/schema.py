"""Columns, kinds, label, subject, time, protected: what a row means."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from noria.declared import check
from noria.errors import BadLifecycle

SPLITS = ("train", "validation", "analysis")
TASKS = ("classification", "multilabel", "regression")


@dataclass(frozen=True)
class Schema:
    """What a row means.

    Parameters
    ----------
    label
        Column that is to be predicted.
    subject
        Column that names the person or thing a row is about; rows of one subject stay in one split. None: each row,
        by its content, is its own subject.
    time
        Column with the time of the event.
    protected
        Columns by which the model must not discriminate.
    drop
        Columns the model must not see (they stay in the data).
    positive
        The label's value that counts as the favourable answer; None: the larger one in sorting order.
    task
        ``classification``, ``regression``, or ``multilabel``: a row has any number of labels, as a list or as one text
        such as ``"red|blue"``.
    shares
        Shares of train, validation and analysis split; they add up to 1.
    split
        What decides a row's split: ``subject`` (rows without one: their content), or ``time``: of each stretch of time
        the newest part is for analysis, and what was cut stays cut (``noria.data.split``).
    """

    label: str
    subject: str | None = None
    time: str | None = None
    protected: Sequence[str] = ()
    drop: Sequence[str] = ()
    positive: str | int | float | bool | None = None
    task: str = "classification"
    shares: tuple[float, float, float] = field(default=(0.7, 0.15, 0.15))
    split: str = "subject"

    def __post_init__(self) -> None:
        check(self)
        if self.task not in TASKS:
            raise BadLifecycle(f"unknown task {self.task!r}", where="Schema", do=f"Use {', '.join(TASKS)}.")
        if self.task == "multilabel" and self.positive is not None:
            raise BadLifecycle("of several labels none is the favourable one", where="Schema", do="Leave positive out.")
        if self.split not in ("subject", "time"):
            raise BadLifecycle(f"unknown split {self.split!r}", where="Schema", do="Use 'subject' or 'time'.")
        if self.split == "time" and self.time is None:
            raise BadLifecycle("the split goes by time, and no column has it", where="Schema", do="Name it: time=….")
        if len(self.shares) != len(SPLITS) or abs(sum(self.shares) - 1) > 1e-9 or min(self.shares) <= 0:
            raise BadLifecycle(
                f"shares {self.shares} are not three positive numbers that add up to 1",
                where="Schema",
                do="Use for example (0.7, 0.15, 0.15).",
            )

    def hidden(self) -> frozenset[str]:
        """Columns that are never features: label, subject, time and what is dropped."""
        names = {self.label, *self.drop}
        return frozenset(names | {name for name in (self.subject, self.time) if name is not None})

    def without_time(self) -> "Schema":
        """The same with a split by subject: for rows that say no time."""
        return replace(self, split="subject")
