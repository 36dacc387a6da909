"""A session with a management controller: logged in once, and told to forget us at the end."""

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from sobre_drivers.errors import MeterError
from sobre_drivers.meters import web
from sobre_drivers.meters.configured import Login
from sobre_drivers.meters.redfish.decoding import SESSIONS
from sobre_drivers.meters.web import Answer, Web

_JSON = {"Accept": "application/json", "OData-Version": "4.0"}


class Session:
    """Gets resources. Controllers keep few sessions: a login is kept, and given back at the end."""

    def __init__(self, host: str, port: int, login: Login, timeout_s: float) -> None:
        self.where = f"{host}:{port}"
        self._address = (host, port, timeout_s)
        self._login = login
        self._web: Web | None = None
        self._headers: dict[str, str] = {}
        self._own: str | None = None

    def get(self, path: str) -> dict[str, Any]:
        """A resource; MeterError if it cannot be had."""
        answer = self._asked(path)
        if answer.status == 401 and self._headers:
            # The session has run out, or the controller was started again.
            self._headers, self._own = {}, None
            answer = self._asked(path)
        return web.accepted(answer)

    def close(self) -> None:
        """Log out and hang up."""
        if self._web is not None and self._own is not None:
            # A controller that is gone has forgotten us.
            with suppress(MeterError):
                self._web.ask(self._own, self._headers, "DELETE")
        if self._web is not None:
            self._web.close()
        self._web, self._headers, self._own = None, {}, None

    def _asked(self, path: str) -> Answer:
        if self._web is None:
            self._web = Web(*self._address, web.tls_context(self._login.ca_file))
        if self._login.username and not self._headers:
            self._headers = self._logged_in(self._web)
        return self._web.ask(path, _JSON | self._headers)

    def _logged_in(self, server: Web) -> dict[str, str]:
        user, password = self._login.username, web.password(self._login.password_file)
        body = json.dumps({"UserName": user, "Password": password}).encode()
        answer = server.ask(SESSIONS, _JSON | {"Content-Type": "application/json"}, "POST", body)
        token = answer.headers.get("x-auth-token")
        if answer.status in (200, 201) and token:
            self._own = _path(answer.headers)
            return {"X-Auth-Token": token}
        if answer.status in (401, 403):
            raise web.Refused(answer)
        # A controller without sessions, or with none to spare, still takes each question by itself.
        basic = base64.b64encode(f"{user}:{password}".encode()).decode()
        return {"Authorization": f"Basic {basic}"}


def _path(headers: Mapping[str, str]) -> str | None:
    """The path of our own session; a Location may be a whole URL."""
    location = headers.get("location", "")
    start = location.find("/redfish/")
    return location[start:] if start >= 0 else None
