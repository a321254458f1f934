"""Alerts out through Apprise: mail, chat, and whatever else has a URL there."""

from collections.abc import Iterator, Sequence

from noria.store.alerts import Sent


def send(urls: Sequence[str], sent: Sequence[Sent]) -> Iterator[str]:
    """Send alerts to every URL; yields a sentence for each that could not be reached, and never raises."""
    if not urls or not sent:
        return
    import apprise  # a second of imports that most runs never need

    for url in urls:
        channel = apprise.Apprise()
        if not channel.add(url):
            yield f"Alerts cannot go to {_scheme(url)}: Apprise does not understand the URL. See NORIA_ALERTS."
            continue
        for one in sent:
            try:
                arrived = channel.notify(title=f"noria: {one.what}", body=f"{one.where}\n{one.do}")
            except Exception as error:
                yield f"An alert could not be sent by {_scheme(url)}: {error}"
                continue
            if not arrived:
                yield f"An alert could not be sent by {_scheme(url)}. It is kept: see 'noria run --alerts'."


def _scheme(url: str) -> str:
    """The kind of channel only: the rest of the URL holds secrets."""
    return url.partition(":")[0]
