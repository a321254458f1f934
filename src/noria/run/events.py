"""Airflow hears of every dataset version that is committed outside of it: an event of the dataset's asset, over REST.

An Airflow that is away never fails a run: what was not told is found by the sweep.
"""

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from noria.errors import NoriaError, StoreUnavailable, UserError
from noria.plan import dataset_uri
from noria.run.place import Place
from noria.store import orchestrated, runs

LIMIT_S = 10.0
KEPT = "Nothing is lost: the sweep finds it."


def tell(place: Place, run: runs.Run, step: runs.StepRun) -> str | None:
    """Post the event of the version that a collect step made; a sentence if that could not be done.

    Nothing is posted if no Airflow is named, if nothing new was collected, or if Airflow itself turns the run.
    """
    if not place.settings.airflow or step.step != "collect" or step.state != "done":
        return None
    with place.store.read() as c:
        if orchestrated.of_run(c, run.id) is not None:
            return None
    facts = step.facts or {}
    extra = {name: facts[name] for name in ("dataset", "version", "digest", "rows")} | {"run": run.id}
    try:
        _post(place, dataset_uri(run.lifecycle), extra)
    except (NoriaError, OSError, ValueError, LookupError) as error:
        return f"{place.settings.airflow} did not take the event of {run.lifecycle}@{facts['version']}: {error}. {KEPT}"
    return None


def call(place: Place, lifecycle: str, trigger: str, why: str) -> None:
    """Post that something calls for a turn, where Airflow turns the wheel: the watch's triggers are its events.

    Raises
    ------
    StoreUnavailable
        If Airflow did not take it.
    """
    try:
        _post(place, dataset_uri(lifecycle), {"dataset": lifecycle, "trigger": trigger, "why": why})
    except (OSError, ValueError, LookupError) as error:
        raise StoreUnavailable(
            f"Airflow did not take the event: {error}", where=str(place.settings.airflow), do="The watch tries again."
        ) from error


def _post(place: Place, uri: str, extra: dict[str, Any]) -> None:
    url = place.settings.airflow
    token = _token(place)
    query = urllib.parse.urlencode({"uri_pattern": uri, "limit": 100})
    known = _call(f"{url}/api/v2/assets?{query}", token)["assets"]
    ids = [one["id"] for one in known if one["uri"].rstrip("/") == uri]
    if not ids:
        raise LookupError(f"it knows no asset {uri}; export the lifecycle first")
    _call(f"{url}/api/v2/assets/events", token, {"asset_id": ids[0], "extra": extra})


def _token(place: Place) -> str:
    """A token as it stands in the file of the login, or one that its user and password are good for."""
    file = place.settings.airflow_login
    if file is None:
        raise UserError(
            "there is no login for Airflow", where="NORIA_AIRFLOW_LOGIN", do="Name a file with USER:PASSWORD."
        )
    text = file.read_text().strip()
    user, sign, password = text.partition(":")
    if not sign:
        return text
    said = _call(f"{place.settings.airflow}/auth/token", "", {"username": user, "password": password})
    return str(said["access_token"])


def _call(url: str, token: str, body: Any = None) -> Any:
    if not url.startswith(("http://", "https://")):
        raise UserError(f"{url!r} is no address", where="NORIA_AIRFLOW", do="Write for example http://127.0.0.1:8080.")
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers)  # noqa: S310 - the scheme was looked at
    try:
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:  # noqa: S310 - likewise
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        raise OSError(f"{error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise OSError(str(error.reason)) from error
