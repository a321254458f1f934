"""Alerts out through Apprise: mail, chat, and whatever else has a URL there."""

import threading
from collections.abc import Iterator, Sequence

from noria.digest import Digest
from noria.run.place import Place
from noria.store import alerts
from noria.store.alerts import Sent

LIMIT_S = 10.0  # for all channels together; what takes longer is reported, and goes on beside the run
ORDER = {"block": 0, "warn": 1}
KEPT = "The alerts are kept: see 'noria run --json' and the report."


def send(place: Place, sent: Sequence[Sent]) -> list[str]:
    """Send a step's alerts to every URL of the settings, as one message each.

    A channel that fails never fails the run: it is told in the sentences that are returned, and put on record as an
    alert of its own.
    """
    troubles = list(deliver(place.settings.alerts, sent))
    if troubles:
        with place.store.begin() as c:
            for trouble in troubles:
                alerts.add(c, _undelivered(place, sent[0], trouble))
    return troubles


def deliver(urls: Sequence[str], sent: Sequence[Sent], limit_s: float = LIMIT_S) -> Iterator[str]:
    """Send to all URLs at once; yields a sentence for each that could not be reached in time, and never raises."""
    if not urls or not sent:
        return
    title, body = message(sent)
    found: dict[int, str | None] = {}

    def work(index: int) -> None:
        found[index] = _trouble(urls[index], title, body)

    threads = [threading.Thread(target=work, args=(index,), daemon=True) for index in range(len(urls))]
    for thread in threads:
        thread.start()
    for index, thread in enumerate(threads):
        thread.join(limit_s if index == 0 else 0.1)
        if thread.is_alive():
            yield f"{_scheme(urls[index])} did not answer in {limit_s:g} s. {KEPT}"
        elif found[index] is not None:
            yield f"{found[index]} {KEPT}"


def message(sent: Sequence[Sent]) -> tuple[str, str]:
    """One message for the alerts of a step, the gravest first: title and body."""
    ordered = sorted(sent, key=lambda one: ORDER.get(one.severity, 2))
    first = ordered[0]
    more = f" (and {len(ordered) - 1} more)" if len(ordered) > 1 else ""
    lines = [f"{one.severity}: {one.where}: {one.what}\n{one.do}" for one in ordered]
    return f"noria {first.lifecycle}: {first.what}{more}", "\n\n".join([*lines, f"run {first.run_id}"])


def _trouble(url: str, title: str, body: str) -> str | None:
    """What went wrong, as a sentence; None if the message arrived."""
    import apprise  # a second of imports that most runs never need

    try:
        channel = apprise.Apprise()
        if not channel.add(url):
            return f"Alerts cannot go to {_scheme(url)}: Apprise does not understand the URL. See NORIA_ALERTS."
        arrived = channel.notify(title=title, body=body)
    except Exception as error:  # a channel's fault, whatever it is, is not the run's
        return f"An alert could not be sent by {_scheme(url)}: {type(error).__name__}."
    return None if arrived else f"An alert could not be sent by {_scheme(url)}."


def _scheme(url: str) -> str:
    """The kind of channel only: the rest of the URL holds secrets."""
    return url.partition(":")[0]


def _undelivered(place: Place, one: Sent, trouble: str) -> Sent:
    return Sent(
        id=Digest.of_json([one.id, trouble]).hex[:32],
        lifecycle=one.lifecycle,
        run_id=one.run_id,
        step=one.step,
        severity="warn",
        what=trouble,
        where="alerts",
        evidence={"undelivered": one.id},
        do="See to the channel's URL in NORIA_ALERTS.",
        at=place.clock.now(),
    )
