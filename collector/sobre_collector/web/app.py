"""The pages: what is now, and the trajectory; they work without script, cookie or account."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sobre_collector.report.body import body
from sobre_collector.report.html_file import banner, style
from sobre_collector.report.wording import LANGUAGES, Lang, say
from sobre_collector.web.now_body import now_body
from sobre_collector.web.reader import Reader
from sobre_collector.web.security import Guarded, at_this_machine
from sobre_drivers.errors import SobreError

REFRESH_S = 15
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
)


def application(reader: Reader) -> ASGIApp:
    """The application over what `reader` reads."""
    pages = _Pages(reader)
    routes = [
        Route("/", _to_language("")),
        Route("/trajectory", _to_language("trajectory")),
        Route("/style.css", _style),
        Route("/healthz", pages.health),
    ]
    for lang in LANGUAGES:
        routes.append(Route(f"/{lang}", _moved(f"/{lang}/")))
        routes.append(Route(f"/{lang}/", pages.now(lang)))
        routes.append(Route(f"/{lang}/trajectory", pages.trajectory(lang)))
    app = Starlette(
        routes=routes,
        middleware=[Middleware(GZipMiddleware, minimum_size=1000)],
        exception_handlers={404: _not_found},
    )
    # Outside of Starlette's own layers, so that its error pages carry the headers too.
    return Guarded(app)


class _Pages:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def now(self, lang: Lang) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            host, still = request.headers.get("host", ""), "still" in request.query_params
            return await run_in_threadpool(self._now, lang, host, still)

        return answer

    def trajectory(self, lang: Lang) -> Callable[[Request], Awaitable[Response]]:
        async def answer(_request: Request) -> Response:
            return await run_in_threadpool(self._trajectory, lang)

        return answer

    async def health(self, _request: Request) -> Response:
        return await run_in_threadpool(self._health)

    def _now(self, lang: Lang, host: str, still: bool) -> Response:
        statuses = self._reader.own() if at_this_machine(host) else []
        try:
            fleet = self._reader.fleet()
        except SobreError as error:
            return _broken(lang, "", error)
        content = now_body(fleet.now, statuses, fleet.conserved, time.time(), fleet.zone, lang)
        title = say(lang, "now.title")
        # Who reads slowly, or by ear, must be able to keep the page as it is (RGAA 13.1).
        refresh = 0 if still else REFRESH_S
        return _page(
            lang, "", title, content, simulated=fleet.simulated, refresh=refresh, still=still
        )

    def _trajectory(self, lang: Lang) -> Response:
        try:
            report = self._reader.report()
        except SobreError as error:
            return _broken(lang, "trajectory", error)
        if report is None or report.empty:
            simulated = report is not None and report.simulated
            return _message(lang, "trajectory", say(lang, "page.no_data"), simulated=simulated)
        content = body(report, lang, by_stratum=False)
        title = say(lang, "nav.trajectory")
        return _page(lang, "trajectory", title, content, simulated=report.simulated)

    def _health(self) -> Response:
        try:
            fleet = self._reader.fleet()
        except SobreError as error:
            return JSONResponse({"status": "failed", "problem": str(error)}, 503)
        found = "ok" if fleet.now is not None else "waiting for data"
        return JSONResponse({"status": found, "simulated": fleet.simulated})


def _page(
    lang: Lang,
    here: str,
    title: str,
    content: str,
    *,
    simulated: bool = False,
    refresh: int = 0,
    still: bool = False,
    code: int = 200,
) -> Response:
    text = _TEMPLATES.get_template("page.html").render(
        lang=lang,
        other="en" if lang == "fr" else "fr",
        here=here,
        title=title,
        # Both are built with every value escaped where it enters.
        content=Markup(content),
        banner=Markup(banner(simulated, lang)),
        refresh=refresh,
        still=still,
        say=lambda key, **values: say(lang, key, **values),
    )
    return HTMLResponse(text, code, headers={"Cache-Control": "no-store"})


def _message(
    lang: Lang, here: str, text: str, code: int = 200, *, simulated: bool = False
) -> Response:
    title = say(lang, "nav.trajectory" if here else "now.title")
    content = Markup("<h1>{}</h1><p>{}</p>").format(title, text)
    return _page(lang, here, title, content, code=code, simulated=simulated)


def _broken(lang: Lang, here: str, error: SobreError) -> Response:
    return _message(lang, here, say(lang, "page.broken", problem=str(error)), 503)


def preferred(accept_language: str) -> Lang:
    """The language to begin with: whichever of ours the browser ranks first, else French."""
    ranked: list[tuple[float, Lang]] = []
    for part in accept_language[:1000].split(","):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        for lang in LANGUAGES:
            if tag.lower().partition("-")[0] == lang and weight > 0:
                ranked.append((-weight, lang))
    return min(ranked, key=lambda pair: pair[0])[1] if ranked else "fr"


def _to_language(path: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        lang = preferred(request.headers.get("accept-language", ""))
        return RedirectResponse(f"/{lang}/{path}", 307, headers={"Vary": "Accept-Language"})

    return answer


def _moved(path: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_request: Request) -> Response:
        return RedirectResponse(path, 308)

    return answer


async def _style(_request: Request) -> Response:
    return Response(style(), media_type="text/css", headers={"Cache-Control": "max-age=3600"})


async def _not_found(request: Request, _error: Exception) -> Response:
    first = request.url.path.strip("/").partition("/")[0]
    lang: Lang = "en" if first == "en" else "fr"
    return _message(lang, "", say(lang, "page.not_found"), 404)
