"""A model server from Python: predict, and say later what was true."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from noria.errors import BadInput, Failure, NoriaError, NotFound

Row = Mapping[str, Any]
JSON = {"content-type": "application/json"}


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

    Raises
    ------
    BadInput, NotFound
        From every method: what the server says of the request, or that it cannot even be sent.
    Failure
        If the server cannot be reached or fails.
    """

    def __init__(self, url: str = "http://127.0.0.1:8080", *, timeout: float = 10.0) -> None:
        self._http = httpx.Client(base_url=url, timeout=timeout)

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
        return _answers(self._send("POST", *_predict(model, rows, subject, version)))

    def feedback(
        self, prediction: str, *, label: Any = None, rating: float | None = None, source: str = "client"
    ) -> None:
        """Say what was true for a prediction, or how good it was; on disk at the server when this returns."""
        self._send("POST", "/v2/feedback", _feedback(prediction, label, rating, source))

    def ready(self) -> bool:
        """True if the server answers requests."""
        try:
            return self._http.get("/v2/health/ready").is_success
        except httpx.HTTPError:
            return False

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _send(self, method: str, path: str, body: Any) -> Any:
        try:
            return _checked(self._http.request(method, path, content=_encoded(body), headers=JSON))
        except httpx.HTTPError as error:
            raise _unreachable(self._http.base_url, error) from error


class AsyncClient:
    """``Client`` for asyncio."""

    def __init__(self, url: str = "http://127.0.0.1:8080", *, timeout: float = 10.0) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=timeout)

    async def predict(
        self, model: str, rows: Sequence[Row], *, subject: str | None = None, version: int | None = None
    ) -> list[Answer]:
        """See ``Client.predict``."""
        return _answers(await self._send("POST", *_predict(model, rows, subject, version)))

    async def feedback(
        self, prediction: str, *, label: Any = None, rating: float | None = None, source: str = "client"
    ) -> None:
        """See ``Client.feedback``."""
        await self._send("POST", "/v2/feedback", _feedback(prediction, label, rating, source))

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def _send(self, method: str, path: str, body: Any) -> Any:
        try:
            return _checked(await self._http.request(method, path, content=_encoded(body), headers=JSON))
        except httpx.HTTPError as error:
            raise _unreachable(self._http.base_url, error) from error


def _predict(model: str, rows: Sequence[Row], subject: str | None, version: int | None) -> tuple[str, dict[str, Any]]:
    place = f"/v2/models/{quote(model, safe='')}" + ("" if version is None else f"/versions/{version}")
    body: dict[str, Any] = {"rows": [dict(row) for row in rows]}
    return f"{place}/predict", body if subject is None else {**body, "subject": subject}


def _feedback(prediction: str, label: Any, rating: float | None, source: str) -> dict[str, Any]:
    given = {"label": label, "rating": rating}
    return {"prediction_id": prediction, "source": source} | {k: v for k, v in given.items() if v is not None}


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
    kinds: dict[int, type[NoriaError]] = {400: BadInput, 404: NotFound}
    kind = kinds.get(response.status_code, Failure)
    raise kind(str(message), where=str(response.request.url), do=f"The server answered {response.status_code}.")


def _stranger(what: str) -> Failure:
    return Failure(f"this is no noria server: {what}", where="client", do="Correct the client's url.")


def _unreachable(url: httpx.URL, error: httpx.HTTPError) -> Failure:
    return Failure(f"the server does not answer: {error}", where=str(url), do="See that 'noria serve' runs there.")
