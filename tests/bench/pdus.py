"""Many PDUs of 48 outlets in one process that is cheap to ask: Modbus TCP at 127.1.x.y.

`python -m bench.pdus COUNT PORT REPORT`: between SIGUSR1 and SIGUSR2 it counts how often each PDU
is asked and the longest time between two rounds (s), and writes them to REPORT as JSON. All show
the same registers, which move on from second to second.
"""

import json
import resource
import selectors
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from types import FrameType

OUTLETS = 48
FIRST = 16
STEP = 4
WORDS = FIRST + OUTLETS * STEP
POWER_W = 40
# Its registers as its profile says them.
PROFILE = f"""
maker = "Bench"
model = "PDU of {OUTLETS} outlets"
source = "tests/bench/pdus.py, which is this PDU"
confirmed = "capture"
device_class = "pdu"
rated_w = 7360
function = 3
word_order = "high-first"
max_gap = 10
[serial]
address = 0
type = "uint32"
[[part]]
power = {{ address = 2, type = "float32", unit = "W" }}
energy = {{ address = 4, type = "uint32", unit = "J", modulus = 4294967296 }}
[[part]]
name = "outlet-{{n:02d}}"
count = {OUTLETS}
step = {STEP}
device_class = "server"
rated_w = 2300
power = {{ address = {FIRST}, type = "float32", unit = "W" }}
energy = {{ address = {FIRST + 2}, type = "uint32", unit = "J", modulus = 4294967296 }}
"""
HEAD = struct.Struct(">HHHBBHH")
ANSWER_HEAD = struct.Struct(">HHHBBB")


def address(number: int) -> str:
    """Where the how-manieth PDU (from 0) listens."""
    return f"127.1.{number // 200}.{number % 200 + 1}"


def image(seconds: int) -> bytes:
    """All registers after so many seconds."""
    made = bytearray(struct.pack(">IfI", 20260001, OUTLETS * POWER_W, OUTLETS * POWER_W * seconds))
    made += bytes(2 * FIRST - len(made))
    made += struct.pack(">fI", POWER_W, POWER_W * seconds) * OUTLETS
    return bytes(made)


class Pdu:
    """What one of them has seen."""

    def __init__(self) -> None:
        self.rounds = 0
        self.last_s = 0.0
        self.longest_s = 0.0

    def asked(self, now_s: float) -> None:
        """A round begins."""
        if self.rounds:
            self.longest_s = max(self.longest_s, now_s - self.last_s)
        self.rounds += 1
        self.last_s = now_s


class Pdus:
    """All of them, behind one selector."""

    def __init__(self, count: int, port: int) -> None:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        self._selector = selectors.DefaultSelector()
        self.seen = [Pdu() for _ in range(count)]
        for number, pdu in enumerate(self.seen):
            listener = socket.create_server((address(number), port))
            self._selector.register(listener, selectors.EVENT_READ, (True, pdu))
        self._begun_s = time.monotonic()
        self._image = (-1, b"")

    def serve(self) -> None:
        """Answer for ever."""
        while True:
            for key, _ in self._selector.select():
                listening, pdu = key.data
                made = key.fileobj
                assert isinstance(made, socket.socket)
                if listening:
                    connection, _ = made.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._selector.register(connection, selectors.EVENT_READ, (False, pdu))
                elif not self._answer(made, pdu):
                    self._selector.unregister(made)
                    made.close()

    def _answer(self, made: socket.socket, pdu: Pdu) -> bool:
        try:
            request = made.recv(256)
            if len(request) != HEAD.size:
                return False
            transaction, _, _, unit, function, first, count = HEAD.unpack(request)
            now_s = time.monotonic()
            if first == 0:
                pdu.asked(now_s)
            seconds = int(now_s - self._begun_s)
            if self._image[0] != seconds:
                self._image = (seconds, image(seconds))
            words = self._image[1][2 * first : 2 * (first + count)]
            head = ANSWER_HEAD.pack(transaction, 0, len(words) + 3, unit, function, len(words))
            made.sendall(head + words)
        except OSError:
            return False
        return True

    def begin(self) -> None:
        """Count from now on: the round before is the first."""
        for pdu in self.seen:
            pdu.rounds, pdu.longest_s = min(pdu.rounds, 1), 0.0

    def report(self) -> str:
        """What was seen, as JSON."""
        now_s = time.monotonic()
        return json.dumps(
            {
                "rounds": [pdu.rounds for pdu in self.seen],
                "longest_s": [max(pdu.longest_s, now_s - pdu.last_s) for pdu in self.seen],
            }
        )


def main(count: int, port: int, report: Path) -> None:
    """Serve until SIGTERM."""
    pdus = Pdus(count, port)

    def end(_: int, __: FrameType | None) -> None:
        raise SystemExit(0)

    def begin(_: int, __: FrameType | None) -> None:
        pdus.begin()

    def tell(_: int, __: FrameType | None) -> None:
        report.write_text(pdus.report(), "utf-8")

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGUSR1, begin)
    signal.signal(signal.SIGUSR2, tell)
    print("listening", flush=True)
    pdus.serve()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
