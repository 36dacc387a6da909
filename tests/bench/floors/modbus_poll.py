"""The least that reads as many PDUs: asks each in turn and unpacks its floats, and keeps nothing.

`python -m bench.floors.modbus_poll COUNT PORT EVERY_S`
"""

import socket
import struct
import sys
import time

from bench.pdus import FIRST, OUTLETS, address

REQUEST = struct.Struct(">HHHBBHH")
# The two requests by which the same registers come: 125 are allowed in one.
BLOCKS = ((0, 124), (124, 84))


def main(count: int, port: int, every_s: float) -> None:
    """Ask for ever, each PDU at its own moment of the period."""
    lines = [socket.create_connection((address(number), port)) for number in range(count)]
    begun_s = time.monotonic()
    turn = 0
    while True:
        due_s = begun_s + turn * every_s / count
        time.sleep(max(0.0, due_s - time.monotonic()))
        words = b"".join(_asked(lines[turn % count], *block) for block in BLOCKS)
        for outlet in range(OUTLETS):
            struct.unpack_from(">fI", words, 2 * (FIRST + 4 * outlet))
        turn += 1


def _asked(line: socket.socket, first: int, count: int) -> bytes:
    line.sendall(REQUEST.pack(1, 0, 6, 1, 3, first, count))
    answer = b""
    while len(answer) < 9 + 2 * count:
        more = line.recv(4096)
        if not more:
            raise SystemExit("the PDUs hung up")
        answer += more
    return answer[9:]


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
