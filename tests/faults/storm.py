"""Thousands of agents that come back together: raw MQTT 3.1.1 over TLS, one socket each.

Each connects, subscribes to its own `confirmed`, publishes a batch, waits for the confirmation with
its hash, and goes. No library: paho needs a thread or a `select` of its own for each client.
"""

import asyncio
import resource
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.ports import HOST
from sobre_drivers import birth
from sobre_drivers.birth import Birth
from sobre_drivers.load import Load, Origin
from sobre_drivers.wire import Batch, decode_answer, digest, encode_batch

CONNECT, CONNACK, PUBLISH, PUBACK_, SUBSCRIBE, SUBACK, DISCONNECT = 1, 2, 3, 4, 8, 9, 14
MINUTE_J = 6_000
# Sockets and what a process needs besides.
SPARE_FILES = 500
AGAIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Storm:
    """How many were confirmed and refused, and the seconds until the last one."""

    confirmed: int
    refused: int
    failed: int
    wall_s: float
    repeats: int


def raise_limit(sockets: int) -> None:
    """Let this process, and those that it starts, hold so many sockets."""
    wanted = sockets + SPARE_FILES
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise RuntimeError(f"{wanted} open files are needed, {hard} are allowed: ulimit -Hn")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def storm(
    port: int,
    count: int,
    spread_s: float,
    context: ssl.SSLContext | None,
    within_s: float,
    stay: bool = False,
) -> Storm:
    """All of them, over `spread_s`. If they `stay`, none goes before the last was confirmed."""
    return asyncio.run(_storm(port, count, spread_s, context, within_s, stay))


async def _storm(
    port: int,
    count: int,
    spread_s: float,
    context: ssl.SSLContext | None,
    within_s: float,
    stay: bool,
) -> Storm:
    began_s = time.monotonic()
    all_are_here = asyncio.Barrier(count if stay else 1)
    clients = [_Client(number, port, context, all_are_here) for number in range(count)]

    async def one(client: "_Client") -> None:
        await asyncio.sleep(spread_s * client.number / count)
        await client.deliver()

    tasks = [asyncio.create_task(one(client)) for client in clients]
    done, left = await asyncio.wait(tasks, timeout=within_s)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    failed = sum(1 for task in done if task.exception() is not None)
    return Storm(
        sum(client.confirmed for client in clients),
        sum(client.refused for client in clients),
        failed + len(left),
        time.monotonic() - began_s,
        sum(client.repeats for client in clients),
    )


class _Client:
    def __init__(
        self, number: int, port: int, context: ssl.SSLContext | None, here: asyncio.Barrier
    ) -> None:
        self.number, self._port, self._context = number, port, context
        self._all_are_here = here
        self.node = f"storm-{number:05}"
        self.confirmed = self.refused = False
        self.repeats = 0

    async def deliver(self) -> None:
        reader, writer = await asyncio.open_connection(HOST, self._port, ssl=self._context)
        try:
            writer.write(_packet(CONNECT << 4, b"\0\4MQTT\4\2\0\74" + _text(self.node)))
            kind, body = await _read(reader)
            if kind >> 4 != CONNACK or body[1]:
                self.refused = True
                return
            answers = f"sobre/v1/{self.node}/confirmed"
            writer.write(_packet(SUBSCRIBE << 4 | 2, b"\0\1" + _text(answers) + b"\1"))
            kind, body = await _read(reader)
            if kind >> 4 != SUBACK or body[-1] > 2:
                self.refused = True
                return
            payload = batch_of(self.number)
            writer.write(_published(f"sobre/v1/{self.node}/birth/{self.node}", birth_said(), 2))
            while not self.confirmed:
                writer.write(_published(f"sobre/v1/{self.node}/load", payload, 3))
                try:
                    async with asyncio.timeout(AGAIN_S):
                        while not self.confirmed:
                            await self._hear(reader, writer, payload)
                except TimeoutError:
                    self.repeats += 1
            await self._all_are_here.wait()
            writer.write(_packet(DISCONNECT << 4, b""))
        finally:
            writer.close()

    async def _hear(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, payload: bytes
    ) -> None:
        kind, body = await _read(reader)
        if kind >> 4 != PUBLISH:
            return
        size = int.from_bytes(body[:2], "big")
        at = 2 + size
        if kind & 6:
            writer.write(_packet(PUBACK_ << 4, body[at : at + 2]))
            at += 2
        self.confirmed = decode_answer(body[at:]).sha256 == digest(payload)


def joules(count: int) -> int:
    """What the storm's nodes used in all (J)."""
    return sum(MINUTE_J + n for n in range(count))


def batch_of(number: int) -> bytes:
    """A node's one load, of yesterday."""
    end = int(time.time()) // 86_400 * 86_400 - 86_400
    load = Load(
        f"storm-{number:05}", 1, end, 60, MINUTE_J + number, MINUTE_J + number, Origin.MEASURED
    )
    return encode_batch(Batch(str(UUID(int=number + 1)), 1, (load,)))


def birth_said() -> bytes:
    return birth.encode(
        Birth("server", "ville", "salle", "register", Origin.MEASURED, 2_000.0, 0.01, "0")
    )


def _published(topic: str, payload: bytes, number: int) -> bytes:
    head = _text(topic) + number.to_bytes(2, "big")
    return _packet(PUBLISH << 4 | 2, head + payload)


def _packet(first: int, body: bytes) -> bytes:
    length, size = bytearray(), len(body)
    while True:
        size, byte = size >> 7, size & 0x7F
        length.append(byte | (0x80 if size else 0))
        if not size:
            return bytes([first, *length]) + body


def _text(text: str) -> bytes:
    return len(text).to_bytes(2, "big") + text.encode()


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return first, await reader.readexactly(length)


def tls_lines(folder: str) -> Sequence[str]:
    """What a broker's configuration needs to speak TLS with the files in `folder`."""
    return [
        f"certfile {folder}/server.pem",
        f"keyfile {folder}/server.key",
        "max_queued_messages 0",
        "max_connections -1",
    ]
