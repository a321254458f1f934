"""Word of a changed route, from whoever changed it to all who follow, where the database can carry it: PostgreSQL.

It only spares waiting: who follows routes looks for itself from time to time, and misses nothing without it.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, PoolProxiedConnection, text

from noria.store.engine import Store

log = logging.getLogger("noria.store")
CHANNEL = "noria_route"
TURN_S = 0.5  # between two looks whether to end
AGAIN_S, LONGEST_S = 1.0, 60.0  # until the database is tried again; it doubles


def tell(connection: Connection, endpoint: str) -> None:
    """Tell that an endpoint's route changed, once the transaction is committed."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_notify(:channel, :endpoint)"), {"channel": CHANNEL, "endpoint": endpoint})


def listen(store: Store, heard: Callable[[], None], ended: threading.Event) -> None:
    """Call ``heard`` at each word, on this thread, until it is to end; and once after each time nothing was heard.

    Returns at once where the database carries no word.
    """
    pause = AGAIN_S
    while store.engine.dialect.name == "postgresql" and not ended.is_set():
        try:
            connection, driver = _connected(store)
        except Exception as error:  # whatever a driver raises: routes are followed without it
            log.info("no word of changed routes: %s", error)
            ended.wait(pause)
            pause = min(LONGEST_S, 2 * pause)
            continue
        pause = AGAIN_S
        heard()
        _heed(driver, heard, ended)
        connection.close()


def _connected(store: Store) -> tuple[PoolProxiedConnection, Any]:
    """A connection of its own, which hears, and what it is in the driver; both go when the first does."""
    connection = store.engine.raw_connection()
    driver: Any = connection.driver_connection
    connection.detach()
    driver.autocommit = True
    driver.execute(f"LISTEN {CHANNEL}")
    return connection, driver


def _heed(driver: Any, heard: Callable[[], None], ended: threading.Event) -> None:
    try:
        while not ended.is_set():
            if list(driver.notifies(timeout=TURN_S, stop_after=1)):
                heard()
    except Exception as error:
        log.info("no word of changed routes any more: %s", error)
