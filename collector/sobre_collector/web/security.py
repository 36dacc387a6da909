"""Headers that every answer carries, and whether a visitor sits at this machine."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sobre_collector.config import loopback

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guarded:
    """An application whose every answer carries `HEADERS`, its errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        await self.app(scope, receive, guarded)


def at_this_machine(host: str) -> bool:
    """Whether the page was asked for by a loopback name.

    A page elsewhere that had its name point here, or a proxy, asks by another: what this machine's
    own user does is not for them.
    """
    name = host.rsplit(":", 1)[0] if host.count(":") == 1 or "]:" in host else host
    return loopback(name.strip("[]"))
