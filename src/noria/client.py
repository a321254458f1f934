"""A model server from Python: predict, and say later what was true."""

import asyncio
import random
import ssl
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from noria.errors import BadInput, Failure, Forbidden, NoriaError, NotFound, StoreUnavailable, Unauthenticated

Row = Mapping[str, Any]
Said = TypeVar("Said")
JSON = {"content-type": "application/json"}
PAUSE_S = 0.1  # before the first retry
LATER = 503
AWAY = httpx.ConnectError, httpx.ConnectTimeout, httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError


@dataclass(frozen=True, slots=True)
class Answer:
    """One row's answer.

    id
        Of the prediction: feedback refers to it.
    label, probabilities
        The predicted class and the probability of each; None for regression.
    value
        The predicted number; None for classification.
    version, release, variant
        Which model version answered, the release that made it, and its part in the route.
    """

    id: str
    model: str
    version: int
    release: str
    variant: str
    label: Any = None
    probabilities: Mapping[str, float] | None = None
    value: float | None = None


class Client:
    """Talks to a server that ``noria serve`` started.

    Parameters
    ----------
    url
        Where it listens.
    timeout
        Seconds to wait for an answer.
    token
        What ``noria token create`` printed.
    retries
        How often a request is sent again, a little later each time, if the server is away or asks for that (503).
        A prediction may so be captured twice, each under its own id, of which one is returned.
    verify
        A file of the certificates that are trusted, for a server by TLS; ``True``: those that the machine trusts.

    Raises
    ------
    BadInput, NotFound, Unauthenticated, Forbidden
        From every method: what the server says of the request, or that it cannot even be sent.
    StoreUnavailable
        If the server cannot do it now: it is starting, or its disk takes no feedback.
    Failure
        If the server cannot be reached or fails.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8080",
        *,
        timeout: float = 10.0,
        token: str | None = None,
        retries: int = 2,
        verify: bool | str = True,
    ) -> None:
        self._retries = retries
        self._http = httpx.Client(base_url=url, timeout=timeout, headers=_headers(token), verify=_trusted(verify))

    def predict(
        self, model: str, rows: Sequence[Row], *, subject: str | None = None, version: int | None = None
    ) -> list[Answer]:
        """Answers to rows, in their order.

        Parameters
        ----------
        subject
            Whom the rows are about: the same subject keeps getting the same version while weights stay.
        version
            Ask this version, whatever the route says.
        """
        return self._do(_predict(model, rows, subject, version, self._retries))

    def feedback(
        self, prediction: str, *, label: Any = None, rating: float | None = None, source: str = "client"
    ) -> None:
        """Say what was true for a prediction, or how good it was; on disk at the server when this returns."""
        self._do(_feedback(prediction, label, rating, source, self._retries))

    def ready(self) -> bool:
        """True if the server answers requests."""
        return self._do(_ready())

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _do(self, talk: "Talk[Said]") -> Said:
        came: httpx.Response | httpx.HTTPError | None = None
        while True:
            try:
                step = talk.send(came)
            except StopIteration as end:
                found: Said = end.value
                return found
            if isinstance(step, float):
                time.sleep(step)
                came = None
                continue
            try:
                came = self._http.request(step.method, step.path, content=step.body)
            except httpx.HTTPError as error:
                came = error


class AsyncClient:
    """``Client`` for asyncio."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8080",
        *,
        timeout: float = 10.0,
        token: str | None = None,
        retries: int = 2,
        verify: bool | str = True,
    ) -> None:
        self._retries = retries
        self._http = httpx.AsyncClient(base_url=url, timeout=timeout, headers=_headers(token), verify=_trusted(verify))

    async def predict(
        self, model: str, rows: Sequence[Row], *, subject: str | None = None, version: int | None = None
    ) -> list[Answer]:
        """See ``Client.predict``."""
        return await self._do(_predict(model, rows, subject, version, self._retries))

    async def feedback(
        self, prediction: str, *, label: Any = None, rating: float | None = None, source: str = "client"
    ) -> None:
        """See ``Client.feedback``."""
        await self._do(_feedback(prediction, label, rating, source, self._retries))

    async def ready(self) -> bool:
        """See ``Client.ready``."""
        return await self._do(_ready())

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def _do(self, talk: "Talk[Said]") -> Said:
        came: httpx.Response | httpx.HTTPError | None = None
        while True:
            try:
                step = talk.send(came)
            except StopIteration as end:
                found: Said = end.value
                return found
            if isinstance(step, float):
                await asyncio.sleep(step)
                came = None
                continue
            try:
                came = await self._http.request(step.method, step.path, content=step.body)
            except httpx.HTTPError as error:
                came = error


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that is to be sent; ``path`` begins after the client's url."""

    method: str
    path: str
    body: bytes = b""


Talk = Generator[Ask | float, httpx.Response | httpx.HTTPError | None, Said]
"""What is done one after the other, without doing it: requests, to whose answer or error it goes on, and pauses in
seconds. Both clients do what it says; what it returns is what they return."""


def _predict(
    model: str, rows: Sequence[Row], subject: str | None, version: int | None, retries: int
) -> Talk[list[Answer]]:
    place = f"/v2/models/{quote(model, safe='')}" + ("" if version is None else f"/versions/{version}")
    body: dict[str, Any] = {"rows": [dict(row) for row in rows]}
    sent = _encoded(body if subject is None else {**body, "subject": subject})
    return _answers((yield from _told(Ask("POST", f"{place}/predict", sent), retries)))


def _feedback(prediction: str, label: Any, rating: float | None, source: str, retries: int) -> Talk[None]:
    given = {"label": label, "rating": rating}
    said = {"prediction_id": prediction, "source": source} | {k: v for k, v in given.items() if v is not None}
    yield from _told(Ask("POST", "/v2/feedback", _encoded(said)), retries)


def _ready() -> Talk[bool]:
    came = yield Ask("GET", "/v2/health/ready")
    return isinstance(came, httpx.Response) and came.is_success


def _told(ask: Ask, retries: int) -> Talk[Any]:
    """What the server answers, asked again a little later each time while it is away or asks for that."""
    for pause in _pauses(retries):
        came = yield ask
        if isinstance(came, httpx.Response):
            if pause is None or came.status_code != LATER:
                return _checked(came)
        elif pause is None or not isinstance(came, AWAY):
            raise _unreachable(came) from came
        yield pause
    raise AssertionError("the last try returns or raises")


def _headers(token: str | None) -> dict[str, str]:
    return JSON if token is None else {**JSON, "authorization": f"Bearer {token}"}


def _trusted(verify: bool | str) -> bool | ssl.SSLContext:
    if not isinstance(verify, str):
        return verify
    try:
        return ssl.create_default_context(cafile=verify)
    except (OSError, ssl.SSLError) as error:
        raise BadInput(f"no certificates can be read: {error}", where=verify, do="Give a file of PEM.") from error


def _pauses(retries: int) -> Iterator[float | None]:
    """Seconds to wait after each try, at random about twice as long as the time before; None after the last."""
    for number in range(retries):
        yield PAUSE_S * 2**number * random.uniform(0.5, 1.5)  # noqa: S311  # so that callers do not come back all at once
    yield None


def _encoded(body: Any) -> bytes:
    """A body as JSON; NaN, as data frames mark what is missing, is null."""
    try:
        return msgspec.json.encode(body, enc_hook=_plain)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise BadInput(
            f"this cannot be sent: {error}", where="client", do="Send numbers, texts, true, false or None."
        ) from error


def _plain(value: Any) -> Any:
    """A scalar of numpy, or of a library that is like it, as the plain one."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{value!r} is a {type(value).__name__}")


def _answers(body: Any) -> list[Answer]:
    try:
        return [
            Answer(
                id=one["id"],
                model=body["model_name"],
                version=int(one["version"]),
                release=one["release"],
                variant=one["variant"],
                label=one.get("label"),
                probabilities=one.get("probabilities"),
                value=one.get("value"),
            )
            for one in body["predictions"]
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _stranger(f"no predictions are in its answer: {error!r}") from error


def _checked(response: httpx.Response) -> Any:
    if response.is_success:
        try:
            return response.json()
        except ValueError as error:
            raise _stranger(f"its answer is no JSON: {response.text[:80]!r}") from error
    try:
        message = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        message = response.text[:200]
    kinds: dict[int, type[NoriaError]] = {
        400: BadInput,
        401: Unauthenticated,
        403: Forbidden,
        404: NotFound,
        LATER: StoreUnavailable,
    }
    kind = kinds.get(response.status_code, Failure)
    raise kind(str(message), where=str(response.request.url), do=f"The server answered {response.status_code}.")


def _stranger(what: str) -> Failure:
    return Failure(f"this is no noria server: {what}", where="client", do="Correct the client's url.")


def _unreachable(error: httpx.HTTPError | None) -> Failure:
    try:
        where = "client" if error is None else str(error.request.url)
    except RuntimeError:  # it failed before there was a request
        where = "client"
    return Failure(f"the server does not answer: {error}", where=where, do="See that 'noria serve' runs there.")
