"""An agent that answers as it is told, where no real one can be made to: too big, too slow, odd."""

import socket
import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from types import TracebackType
from typing import Any, Self

from pysnmp.proto import api

from snmp.agents import HOST

# It comes without types.
decoder, encoder = (import_module(f"pyasn1.codec.ber.{each}") for each in ("decoder", "encoder"))
TOO_BIG = 1


class Tiny:
    """SNMP version 2c: what is in `objects` (integers, OIDs), and tooBig for more than `most`.

    `wrap` may change an answer's bytes before they are sent; `circles` answers each walk from its
    beginning.
    """

    def __init__(
        self,
        objects: Mapping[str, int | str],
        most: int = 1000,
        wrap: Callable[[bytes], bytes] = lambda answer: answer,
        circles: bool = False,
    ) -> None:
        self.objects = dict(objects)
        self.most = most
        self.asked: list[int] = []
        self._wrap = wrap
        self._circles = circles
        self._ends = threading.Event()

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self._socket.settimeout(0.05)
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve)
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
        self._socket.close()

    def _serve(self) -> None:
        while not self._ends.is_set():
            try:
                data, who = self._socket.recvfrom(65_535)
            except TimeoutError:
                continue
            self._socket.sendto(self._wrap(self._answer(data)), who)

    def _answer(self, data: bytes) -> bytes:
        v2c = api.PROTOCOL_MODULES[api.SNMP_VERSION_2C]
        message, _ = decoder.decode(data, asn1Spec=v2c.Message())
        asked = v2c.apiMessage.get_pdu(message)
        answer: Any = v2c.apiMessage.get_response(message)
        reply = v2c.apiMessage.get_pdu(answer)
        names = [str(name) for name, _ in v2c.apiPDU.get_varbinds(asked)]
        self.asked.append(len(names))
        if len(names) > self.most:
            v2c.apiPDU.set_error_status(reply, TOO_BIG)
            bound = [(name, v2c.Null("")) for name in names]
        elif asked.isSameTypeWith(v2c.GetBulkRequestPDU()):
            at = () if self._circles else _numbers(names[0])
            later = sorted((name for name in self.objects if _numbers(name) > at), key=_numbers)
            bound = [(name, self._value(name)) for name in later[:10]]
            bound = bound or [(names[0], v2c.EndOfMibView(""))]
        else:
            bound = [(name, self._value(name)) for name in names]
        v2c.apiPDU.set_varbinds(reply, bound)
        return bytes(encoder.encode(answer))

    def _value(self, name: str) -> Any:
        v2c = api.PROTOCOL_MODULES[api.SNMP_VERSION_2C]
        value = self.objects.get(name)
        if value is None:
            return v2c.NoSuchInstance("")
        return v2c.Integer(value) if isinstance(value, int) else v2c.ObjectIdentifier(value)


def _numbers(oid: str) -> tuple[int, ...]:
    return tuple(map(int, oid.split(".")))
