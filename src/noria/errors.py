"""Every error on purpose, as one tree. Each says what, where, and what to do.

NoriaError
├─ UserError           the caller can fix it: one sentence, exit code 2
│  ├─ NotFound         no such dataset, version, model, run, artifact
│  ├─ BadInput         data, a file or a request that cannot be used
│  ├─ BadLifecycle     the lifecycle file cannot be loaded or declares the impossible
│  ├─ UserCodeFailed   a function of the lifecycle file raised or returned the wrong thing
│  ├─ Unauthenticated  a request without a token that holds
│  ├─ Forbidden        a token that may not do this
│  └─ Overtaken        somebody else decided meanwhile; nothing was changed
├─ Stopped             a gate blocked the run: the verdict is the message, exit code 3
│  └─ Undecided          the candidate waits for a person's decision; exit code 7
├─ NothingToDo         another run has taken, or took, what there is to do; exit code 6
└─ Failure             the surroundings failed: disk, database, network; exit code 1
   ├─ Damaged          bytes are not what their digest says
   ├─ StoreUnavailable the database or artifact store cannot be used
   ├─ Busy             another process is at this step, or turns this wheel; exit code 4
   ├─ Superseded       a newer attempt holds this step; nothing was committed; exit code 4
   └─ OutOfMemory      a step needs more memory than there is, or than it declares; exit code 5
"""


class NoriaError(Exception):
    """Base of all errors raised on purpose."""

    def __init__(self, what: str, *, where: str, do: str) -> None:
        super().__init__(f"{what} ({where}). {do}")
        self.what = what
        self.where = where
        self.do = do


class UserError(NoriaError):
    """Base of what the caller can fix."""


class NotFound(UserError):
    pass


class BadInput(UserError):
    pass


class BadLifecycle(UserError):
    pass


class UserCodeFailed(UserError):
    pass


class Unauthenticated(UserError):
    pass


class Forbidden(UserError):
    pass


class Overtaken(UserError):
    pass


class Stopped(NoriaError):
    pass


class Undecided(Stopped):
    pass


class NothingToDo(NoriaError):
    pass


class Failure(NoriaError):
    pass


class Damaged(Failure):
    pass


class StoreUnavailable(Failure):
    pass


class Busy(Failure):
    pass


class Superseded(Failure):
    pass


class OutOfMemory(Failure):
    pass
