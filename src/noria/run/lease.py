"""A lease that is renewed for as long as the work takes that it stands for."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from noria.errors import StoreUnavailable

PER_LEASE = 4  # renewals: three may fail


@contextmanager
def renewed(lasts: timedelta, renew: Callable[[], bool], lost: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Renew a lease of that length meanwhile, in a thread.

    Parameters
    ----------
    renew
        Renews it; False: somebody else has it, and ``lost`` is called. While the store is away it is tried again: if it
        is not back in time, the lease runs out, and what is committed later is refused.
    """
    done = threading.Event()

    def beat() -> None:
        while not done.wait(lasts.total_seconds() / PER_LEASE):
            try:
                if not renew():
                    lost()
                    return
            except StoreUnavailable:
                continue

    thread = threading.Thread(target=beat, daemon=True, name="lease")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
