"""Plugs that are asked over HTTP."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sobre_drivers.errors import MeterError
from sobre_drivers.meters import web
from sobre_drivers.meters.configured import Login
from sobre_drivers.meters.kind import Value
from sobre_drivers.meters.plugs.digest import authorization
from sobre_drivers.meters.plugs.model import Figures
from sobre_drivers.meters.web import Web
from sobre_drivers.sample import UJ_PER_KWH, Described, Reading


class Question(NamedTuple):
    """What is asked of one outlet: a page, and what its answer means (MeterError if nothing)."""

    path: str
    meaning: Callable[[Mapping[str, Any]], Figures]


class PolledPlug:
    """Reads the outlets of one plug, each page once a round. `questions` are by device."""

    def __init__(
        self,
        name: str,
        server: Web,
        login: Login,
        described: Sequence[Described],
        questions: Mapping[str, Question],
    ) -> None:
        self.name = name
        self._web = server
        self._login = login
        self._described = described
        self._questions = questions

    def describe(self) -> Sequence[Described]:
        """The outlets."""
        return self._described

    def read(self) -> Sequence[Reading]:
        """What each outlet shows; MeterError if the plug cannot be read."""
        return [
            Reading(device, said.register_uj, said.power_w, said.serial)
            for device, said in self._asked().items()
        ]

    def shown(self) -> list[Value]:
        """Power and energy of each outlet."""
        return [value for device, said in self._asked().items() for value in values(device, said)]

    def close(self) -> None:
        """Hang up."""
        self._web.close()

    def _asked(self) -> dict[str, Figures]:
        """What each outlet says; an outlet that says nothing of use stops no other."""
        said, problem = {}, None
        try:
            paths = dict.fromkeys(question.path for question in self._questions.values())
            pages = {path: self._page(path) for path in paths}
        except MeterError as error:
            raise MeterError(f"{self.name} ({self._web.where}): {error}") from error
        for device, question in self._questions.items():
            try:
                said[device] = question.meaning(pages[question.path])
            except MeterError as error:
                said[device], problem = Figures(), error
        if problem is not None and all(each == Figures() for each in said.values()):
            raise MeterError(f"{self.name} ({self._web.where}): {problem}") from problem
        return said

    def _page(self, path: str) -> Mapping[str, Any]:
        answer = self._web.ask(path)
        if answer.status == 401 and self._login.username:
            told = authorization(
                answer.headers.get("www-authenticate", ""),
                "GET",
                path,
                self._login.username,
                web.password(self._login.password_file),
                secrets.token_hex(8),
            )
            if told is not None:
                answer = self._web.ask(path, {"Authorization": told})
        return web.accepted(answer)


def values(device: str, said: Figures) -> list[Value]:
    """An outlet's figures for people to read."""
    energy_kwh = None if said.register_uj is None else said.register_uj / UJ_PER_KWH
    return [Value(device, "power", said.power_w, "W"), Value(device, "energy", energy_kwh, "kWh")]
