"""A UDP relay in front of an agent: it counts what is asked, and loses what it is told to."""

import socket
import threading
from types import TracebackType
from typing import Self

from snmp.agents import HOST


class Relay:
    """Passes datagrams to the agent's port and back. `asked` counts those towards the agent.

    `deaf` lets nothing through: the agent hangs. What is in `sizes` are the lengths of questions.
    """

    def __init__(self, port: int) -> None:
        self.asked = 0
        self.sizes: list[int] = []
        self.deaf = False
        self._agent = (HOST, port)
        self._ends = threading.Event()

    def __enter__(self) -> Self:
        self._front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._front.bind((HOST, 0))
        self._front.settimeout(0.05)
        self._back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._back.bind((HOST, 0))
        self._back.settimeout(5)
        self.port = int(self._front.getsockname()[1])
        self._thread = threading.Thread(target=self._pass_on)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ends.set()
        self._thread.join()
        self._front.close()
        self._back.close()

    def _pass_on(self) -> None:
        while not self._ends.is_set():
            try:
                data, who = self._front.recvfrom(65_535)
            except TimeoutError:
                continue
            self.asked += 1
            self.sizes.append(len(data))
            if self.deaf:
                continue
            self._back.sendto(data, self._agent)
            try:
                answer = self._back.recv(65_535)
            except TimeoutError:
                continue
            self._front.sendto(answer, who)
