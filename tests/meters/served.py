"""Real Modbus TCP servers on loopback: one that serves a dump, one that answers as it is told."""

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from pymodbus.constants import ExcCodes
from pymodbus.pdu import ModbusPDU
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

HOST = "127.0.0.1"
CAPTURES = Path(__file__).parent.parent / "captures"
Words = Mapping[int, list[int]]
DEADLINE_S = 20.0


@dataclass(frozen=True)
class Capture:
    """An independent dump of a meter, and what its registers mean.

    `beside` are registers of the other function, where a meter uses both.
    """

    profile: str
    how: str
    function: int
    registers: dict[str, str]
    expected: dict[str, dict[str, Any]]
    serial: str | None = None
    beside: dict[str, str] = field(default_factory=dict)

    @property
    def words(self) -> Words:
        """Runs of registers by address."""
        return _runs(self.registers)

    @property
    def words_beside(self) -> Words:
        """Those of the other function."""
        return _runs(self.beside)


def _runs(registers: Mapping[str, str]) -> Words:
    return {
        int(address): [int(word, 16) for word in words.split()]
        for address, words in registers.items()
    }


def agrees(found: object, expected: Mapping[str, Any], key: str) -> bool:
    """Whether what was read is what a capture expects; `within` is how far a display rounds it."""
    if key not in expected:
        return True
    within, wanted = expected.get("within", {}).get(key, 0), expected[key]
    if within and isinstance(found, int | float):
        return bool(abs(found - wanted) <= within)
    return bool(found == wanted)


def capture(name: str) -> Capture:
    """The capture of a profile."""
    text = (CAPTURES / f"{name}.json").read_text(encoding="utf-8")
    return Capture(**json.loads(text))


@dataclass
class Served:
    """pymodbus's server with a dump as holding (3) or input (4) registers; all else is refused.

    `beside` are registers of the other function. `refuse` gives the exception code for a requested
    address, or None to answer it; `requests` are all that came, as (function, address, count).
    """

    words: Words
    function: int = 3
    unit_id: int = 1
    refuse: Callable[[int], ExcCodes | None] = lambda address: None
    port: int = 0
    requests: list[tuple[int, int, int]] = field(default_factory=list)
    beside: Words = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._listening = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._listening.wait(DEADLINE_S), "the server did not listen"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive(), "the server did not stop"

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        dump, beside = (
            [
                SimData(address, values=list(words), datatype=DataType.REGISTERS)
                for address, words in sorted(runs.items())
            ]
            or [SimData(0, datatype=DataType.INVALID)]
            for runs in (self.words, self.beside)
        )
        bits = [SimData(0, values=False, datatype=DataType.BITS)]
        holding, inputs = (dump, beside) if self.function == 3 else (beside, dump)
        device = SimDevice(self.unit_id, simdata=(bits, bits, holding, inputs), action=self._answer)
        server = ModbusTcpServer(device, address=(HOST, self.port), trace_pdu=self._note)
        await server.serve_forever(background=True)
        self.port = cast(asyncio.Server, server.transport).sockets[0].getsockname()[1]
        self._listening.set()
        await self._stop.wait()
        await server.shutdown()  # type: ignore[no-untyped-call]

    def _note(self, sending: bool, pdu: ModbusPDU) -> ModbusPDU:
        if not sending:
            self.requests.append((pdu.function_code, pdu.address, pdu.count))
        return pdu

    async def _answer(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        return self.refuse(address)


@dataclass
class Scripted:
    """A socket that answers each request with the bytes that `answer` makes of it.

    None closes the connection (resets it, with `reset`), empty bytes leave the question hanging.
    """

    answer: Callable[[bytes], bytes | None]
    port: int = 0
    connections: int = 0
    reset: bool = False

    def __enter__(self) -> Self:
        self._closing = False
        self._open: list[socket.socket] = []
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing = True
        # A connection of one's own wakes the thread that waits for one.
        socket.create_connection((HOST, self.port)).close()
        for each in self._open:
            each.close()
        self._thread.join(DEADLINE_S)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._closing:
                connection.close()
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        try:
            while request := connection.recv(300):
                answer = self.answer(request)
                if answer is None:
                    if self.reset:
                        abrupt = struct.pack("ii", 1, 0)
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, abrupt)
                    break
                connection.sendall(answer)
        except OSError:
            pass
        connection.close()
