"""A management controller on loopback that speaks IPMI 2.0 (RMCP+, cipher suite 3) and one command
of DCMI, Get Power Reading: as much as `ipmitool` needs, by the IPMI 2.0 specification, 13."""

import hashlib
import hmac
import socket
import struct
import threading
from dataclasses import dataclass
from typing import Self

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

HOST = "127.0.0.1"
RMCP = bytes([0x06, 0x00, 0xFF, 0x07])
GUID, NONCE, IV = bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 48))
OWN_SESSION = b"\x05\x00\x00\x00"
APPLICATION, GROUP = 0x06, 0x2C
INVALID_COMMAND = b"\xc1"


def sha1(key: bytes, *parts: bytes) -> bytes:
    return hmac.new(key, b"".join(parts), hashlib.sha1).digest()


def message(asked: bytes, answer: bytes) -> bytes:
    """The answer to a command, with both checksums."""
    head = bytes([asked[3], asked[1] | 0x04])
    body = bytes([asked[0], asked[4], asked[5]]) + answer
    return head + bytes([-sum(head) & 0xFF]) + body + bytes([-sum(body) & 0xFF])


@dataclass
class Bmc:
    """Says `power_w` to the user `sobre` with this password; None: it knows no DCMI."""

    password: bytes
    power_w: int | None
    active: bool = True

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self.port = self._socket.getsockname()[1]
        self._sent = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # An empty datagram ends the thread.
        self._socket.sendto(b"", (HOST, self.port))
        self._thread.join(5.0)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            data, sender = self._socket.recvfrom(2048)
            if not data:
                return
            answer = self._answered(data[4:])
            if answer is not None:
                self._socket.sendto(RMCP + answer, sender)

    def _answered(self, packet: bytes) -> bytes | None:
        if packet[0] == 0x00:
            asked = packet[10:]
            told = message(asked, self._command(asked))
            return packet[:9] + bytes([len(told)]) + told
        kind, length = packet[1], struct.unpack("<H", packet[10:12])[0]
        payload = packet[12 : 12 + length]
        if kind == 0x10:
            return self._outside(0x11, self._opened(payload))
        if kind == 0x12:
            return self._outside(0x13, self._first(payload))
        if kind == 0x14:
            return self._outside(0x15, self._third(payload))
        if kind == 0x00:
            return self._outside(0x00, message(payload, self._command(payload)))
        return self._inside(payload) if kind == 0xC0 else None

    @staticmethod
    def _outside(kind: int, payload: bytes) -> bytes:
        return bytes([0x06, kind]) + bytes(8) + struct.pack("<H", len(payload)) + payload

    def _opened(self, asked: bytes) -> bytes:
        self._console = asked[4:8]
        suite = b"".join(bytes([n, 0, 0, 8, 1, 0, 0, 0]) for n in range(3))
        return asked[:1] + b"\x00\x02\x00" + self._console + OWN_SESSION + suite

    def _first(self, asked: bytes) -> bytes:
        self._random, self._who = asked[8:24], asked[24:25] + asked[27 : 28 + asked[27]]
        parts = (self._console, OWN_SESSION, self._random, NONCE, GUID, self._who)
        key = sha1(self._secret, *parts)
        return asked[:1] + b"\x00\x00\x00" + self._console + NONCE + GUID + key

    def _third(self, asked: bytes) -> bytes:
        if asked[8:28] != sha1(self._secret, NONCE, self._console, self._who):
            # Invalid integrity check value.
            return asked[:1] + b"\x0f\x00\x00" + self._console
        session = sha1(self._secret, self._random, NONCE, self._who)
        self._signing, self._hiding = sha1(session, b"\x01" * 20), sha1(session, b"\x02" * 20)[:16]
        proof = sha1(session, self._random, OWN_SESSION, GUID)[:12]
        return asked[:1] + b"\x00\x00\x00" + self._console + proof

    def _inside(self, payload: bytes) -> bytes:
        cipher = Cipher(algorithms.AES(self._hiding), modes.CBC(payload[:16])).decryptor()
        plain = cipher.update(payload[16:]) + cipher.finalize()
        asked = plain[: -1 - plain[-1]]
        told = message(asked, self._command(asked))
        filling = -(len(told) + 1) % 16
        told += bytes(range(1, filling + 1)) + bytes([filling])
        hide = Cipher(algorithms.AES(self._hiding), modes.CBC(IV)).encryptor()
        hidden = IV + hide.update(told) + hide.finalize()
        self._sent += 1
        head = b"\x06\xc0" + self._console + struct.pack("<IH", self._sent, len(hidden))
        padding = -(len(head) + len(hidden) + 2) % 4
        signed = head + hidden + b"\xff" * padding + bytes([padding, 0x07])
        return signed + sha1(self._signing, signed)[:12]

    def _command(self, asked: bytes) -> bytes:
        group, command, given = asked[1] >> 2, asked[5], asked[6:-1]
        if (group, command) == (APPLICATION, 0x01):
            return bytes([0, 0x20, 0x81, 1, 0, 0x02, 0x8F, 0, 0, 0, 0, 0])
        if (group, command) == (APPLICATION, 0x38):
            return bytes([0, 1, 0x80, 0x04, 0x02, 0, 0, 0, 0])
        if (group, command) == (APPLICATION, 0x54):
            return bytes([0, 1, 0xC0, 3, 0x01, 0x41, 0x81])
        if (group, command) == (APPLICATION, 0x3B):
            return bytes([0, given[0]])
        if (group, command) == (APPLICATION, 0x3C):
            return bytes([0])
        if (group, command, given[:2]) == (GROUP, 0x02, b"\xdc\x01") and self.power_w is not None:
            figures = struct.pack("<HHHHII", self.power_w, 2, 468, 216, 1795510800, 10_000)
            return b"\x00\xdc" + figures + (b"\x40" if self.active else b"\x00")
        return INVALID_COMMAND

    @property
    def _secret(self) -> bytes:
        return self.password.ljust(20, b"\x00")
