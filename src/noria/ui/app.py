"""The pages as one application: which address asks what, who may, and how answers and mistakes are sent."""

import hmac
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from noria.errors import (
    BadInput,
    Forbidden,
    NoriaError,
    NotFound,
    Overtaken,
    StoreUnavailable,
    Unauthenticated,
    UserError,
)
from noria.report.plain import plain
from noria.run.place import Place
from noria.ui import charts, draw, language, live, pages
from noria.ui.ask import Act, Ask, File, Gone, Shown, View
from noria.ui.door import Door, Visitor
from noria.ui.session import COOKIE, HOLDS_S, Session, Signer
from noria.ui.slow import Slow
from noria.ui.turns import Turns

log = logging.getLogger("noria.ui")
STATIC = Path(__file__).with_name("static")
MOST_FORM = 1 << 18  # bytes
STATUS = {  # the nearest kind counts
    Unauthenticated: 401, Forbidden: 403, NotFound: 404, Overtaken: 409, BadInput: 400, UserError: 422,
    StoreUnavailable: 503,
}  # fmt: skip
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
ALONE = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"  # a report is a page of its own


@dataclass(frozen=True, slots=True)
class House:
    """What all requests share."""

    place: Place
    door: Door
    slow: Slow
    turns: Turns
    live: live.Live


def app(place: Place) -> Starlette:
    """The application for the stores of a place."""
    slow, turns = Slow(), Turns(place)
    house = House(
        place, Door(place, Signer(place.settings.home / "ui" / "secret")), slow, turns, live.Live(place, slow, turns)
    )

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        await house.live.begin()
        draw.warm()
        charts.warm()
        yield
        await house.live.end()
        slow.close()

    made = Starlette(routes=list(_routes(house)), lifespan=life)
    made.state.house = house
    return made


def _routes(house: House) -> list[BaseRoute]:
    shown = [Route(path, partial(_see, house, view), methods=["GET"]) for path, view in pages.PAGES]
    done = [Route(path, partial(_do, house, act), methods=["POST"]) for path, act in pages.ACTS]
    return [
        Mount("/static", StaticFiles(directory=STATIC)),
        Route("/vega.js", charts.javascript, methods=["GET"]),
        Route("/sign-in", partial(_sign_in_page, house), methods=["GET"]),
        Route("/sign-in", partial(_sign_in, house), methods=["POST"]),
        Route("/sign-out", partial(_sign_out, house), methods=["POST"]),
        Route("/events", partial(_events, house), methods=["GET"]),
        *shown,
        *done,
        Route("/{rest:path}", partial(_nowhere, house), methods=["GET", "POST"]),
    ]


async def _see(house: House, view: View, request: Request) -> Response:
    session = house.door.signer.begin(0)
    try:
        visitor = await run_in_threadpool(house.door.visitor, request)
        session = visitor.session
        ask = Ask(house.place, visitor, request, house.slow, house.turns)
        return _kept(house, request, session, await run_in_threadpool(_shown, ask, view, house))
    except Exception as error:
        return _mistaken(house, request, error)


def _shown(ask: Ask, view: View, house: House) -> Response:
    found = view(ask)
    if isinstance(found, File):
        return _file(found)
    if _wants_json(ask.request):
        return _json(found.values, found.status)
    text = draw.html(found.template, {**_around(house, ask.request, ask.visitor), **found.values}, _spoken(ask.request))
    return Response(text, found.status, HEADERS, "text/html")


async def _do(house: House, act: Act, request: Request) -> Response:
    try:
        form = await _form(request)
        visitor = await run_in_threadpool(house.door.visitor, request)
        if not house.door.signer.is_form(visitor.session, (form.get("form") or [""])[0]):
            raise Forbidden("the form is not of this session, or of an old one", where="pages", do=_AGAIN)
        ask = Ask(house.place, visitor, request, house.slow, house.turns, form)
        done = await run_in_threadpool(act, ask)
        house.live.hurry()
        if isinstance(done, Shown):
            return await run_in_threadpool(_shown, ask, lambda _: done, house)
        if _wants_json(request):
            return _json({"done": done.said, "see": done.to}, 200)
        signed = house.door.signer.said(visitor.session, done.said)
        return RedirectResponse(_with_word(done, signed), 303, HEADERS)
    except Exception as error:
        return _mistaken(house, request, error)


_AGAIN = "Load the page again; nothing was changed."


def _with_word(done: Gone, signed: str) -> str:
    """Where to look next, with what is said there; signed, so that no link can put words into these pages."""
    where, _, part = done.to.partition("#")
    mark = "&" if "?" in where else "?"
    return f"{where}{mark}{urlencode({'said': done.said, 'by': signed})}" + (f"#{part}" if part else "")


async def _form(request: Request) -> dict[str, list[str]]:
    """A form's fields. Its content type is one that other sites cannot send without being asked."""
    media = request.headers.get("content-type", "").partition(";")[0]
    data = b""
    try:
        async for chunk in request.stream():
            data += chunk
            if len(data) > MOST_FORM:
                raise BadInput("the form is too large", where="form", do="Send less.")
    except ClientDisconnect as error:
        raise BadInput("the form ended before its end", where="form", do="Send it again.") from error
    if media == "application/json":
        return _fields(data)
    return parse_qs(data.decode(errors="replace"), keep_blank_values=True, max_num_fields=1_000)


def _fields(data: bytes) -> dict[str, list[str]]:
    try:
        found = json.loads(data)
    except ValueError as error:
        raise BadInput(f"it is no JSON: {error}", where="body", do="Send an object.") from error
    if not isinstance(found, dict):
        raise BadInput("it is no JSON object", where="body", do="Send an object.")
    return {key: [str(one) for one in (value if isinstance(value, list) else [value])] for key, value in found.items()}


def _mistaken(house: House, request: Request, error: Exception) -> Response:
    """Whatever went wrong, as a page or as JSON, with its status; what nobody foresaw stands in the log."""
    if isinstance(error, Unauthenticated) and not _wants_json(request):
        back = request.url.path if request.method == "GET" else "/"
        expired = "&expired=1" if COOKIE in request.cookies else ""
        return RedirectResponse(f"/sign-in?back={quote(back)}{expired}", 303, HEADERS)
    if not isinstance(error, NoriaError):
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)
    said = _sentence(error)
    if _wants_json(request):
        return _json({"error": said}, status)
    values = {**_bare(request), "error": said, "status": status, "back": request.headers.get("referer", "/")}
    return Response(draw.html("mistake.html", values, _spoken(request)), status, HEADERS, "text/html")


def _sentence(error: Exception) -> dict[str, str]:
    if isinstance(error, NoriaError):
        return {"what": error.what, "where": error.where, "do": error.do}
    return {"what": type(error).__name__, "where": "pages", "do": "See the log of 'noria ui'."}


async def _nowhere(house: House, request: Request) -> Response:
    missing = NotFound(f"there is no page {request.url.path[:200]}", where="pages", do="Begin at the wheel.")
    return _mistaken(house, request, missing)


async def _sign_in_page(house: House, request: Request) -> Response:
    session = house.door.session(request)
    said = "expired" if request.query_params.get("expired") else ""
    values = {**_bare(request), "form": house.door.signer.form(session), "said_word": said,
              "back_to": _inside(request.query_params.get("back", "/"))}  # fmt: skip
    answer = Response(draw.html("sign_in.html", values, _spoken(request)), 200, HEADERS, "text/html")
    return _kept(house, request, session, answer)


async def _sign_in(house: House, request: Request) -> Response:
    try:
        form = {key: given[0] for key, given in (await _form(request)).items()}
        session = house.door.session(request)
        if not house.door.signer.is_form(session, form.get("form", "")):
            raise Forbidden("the form is not of this session, or of an old one", where="pages", do=_AGAIN)
        made = await run_in_threadpool(house.door.sign_in, form.get("token", ""))
    except Exception as error:
        return _mistaken(house, request, error)
    back = _inside(form.get("back", "/"))
    if made is None:
        values = {**_bare(request), "form": house.door.signer.form(session), "said_word": "wrong", "back_to": back}
        return Response(draw.html("sign_in.html", values, _spoken(request)), 401, HEADERS, "text/html")
    return _kept(house, request, made, RedirectResponse(back, 303, HEADERS), new=True)


async def _sign_out(house: House, request: Request) -> Response:
    form = await _form(request)
    if not house.door.signer.is_form(house.door.session(request), (form.get("form") or [""])[0]):
        return _mistaken(house, request, Forbidden("the form is not of this session", where="pages", do=_AGAIN))
    answer = RedirectResponse("/sign-in", 303, HEADERS)
    answer.delete_cookie(COOKIE)
    return answer


async def _events(house: House, request: Request) -> Response:
    try:
        await run_in_threadpool(house.door.visitor, request)
    except Exception as error:
        return _mistaken(house, request, error)
    return house.live.answer(request)


def _inside(path: str) -> str:
    """A path of these pages, and no address of another place."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"


def _kept(house: House, request: Request, session: Session, answer: Response, *, new: bool = False) -> Response:
    """The answer with the session's cookie, where the browser has none yet."""
    if new or house.door.signer.read(request.cookies.get(COOKIE), session.since) is None:
        answer.set_cookie(
            COOKIE, house.door.signer.written(session), max_age=HOLDS_S, httponly=True, samesite="lax",
            secure=request.url.scheme == "https",
        )  # fmt: skip
    return answer


def _around(house: House, request: Request, visitor: Visitor) -> dict[str, Any]:
    """What every page's frame shows."""
    said, by = (request.query_params.get(key, "") for key in ("said", "by"))
    ours = house.door.signer.said(visitor.session, said)
    return {
        **_bare(request),
        "visitor": visitor,
        "form": house.door.signer.form(visitor.session),
        "said": said if hmac.compare_digest(ours.encode(), by.encode()) else "",
        "section": request.url.path.split("/")[1],
    }


def _bare(request: Request) -> dict[str, Any]:
    spoken = _spoken(request)
    return {"lang": spoken.code, "visitor": None, "form": "", "said": "", "section": "", "path": request.url.path}


def _spoken(request: Request) -> language.Language:
    return language.wanted(request.headers.get("accept-language", ""))


def _wants_json(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    return "application/json" in accepted and "text/html" not in accepted


def _json(values: Mapping[str, Any], status: int) -> Response:
    text = json.dumps(plain(values), ensure_ascii=False, allow_nan=False)
    return Response(text, status, HEADERS, "application/json")


def _file(found: File) -> Response:
    headers = {**HEADERS, "content-security-policy": ALONE}
    if found.name:
        headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(found.name)}"
    return Response(found.data, 200, headers, found.media)
