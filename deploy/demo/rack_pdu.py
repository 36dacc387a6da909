"""A rack PDU that speaks Modbus TCP, for demonstrations and tests. Its own account is the truth.

    python deploy/demo/rack_pdu.py --host 127.0.0.1 --port 5020 --truth pdu-truth.json

Power is a whole number of mW that changes from time to time; energy is that power times the
milliseconds that passed, in whole µJ, so that nothing is rounded. The registers are those of the
profile `sobre-demo-pdu`, encoded here on their own.
"""

import argparse
import asyncio
import contextlib
import json
import random
import signal
import struct
import sys
import time
from pathlib import Path
from typing import cast

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

SERIAL = 2026_0007
OUTLETS = 8
# Mean power of what is plugged in, and how far it strays, in mW; the last outlet idles.
LOADS_MW = [
    (310_000, 90_000),
    (285_000, 60_000),
    (420_000, 110_000),
    (96_000, 12_000),
    (74_000, 9_000),
    (148_000, 30_000),
    (38_000, 4_000),
    (6_000, 0),
]
OWN_MW = 5_000
UJ_PER_WH = 3_600_000_000
WRAP_WH = 1 << 32
# Two Wh below its wrap: at some 420 W this counter starts again from 0 within half a minute.
NEAR_WRAP = 3
CHANGE_MS = 7_000
SAVE_S = 1.0
REGISTERS = 16 + 4 * OUTLETS


class Rack:
    """Eight outlets and the inlet that feeds them, moved on by the milliseconds that pass."""

    def __init__(self, seed: int, saved: dict[str, list[int]] | None = None) -> None:
        self._random = random.Random(seed)
        self._changes_in_ms = 0
        self.power_mw = [0] * (1 + OUTLETS)
        # As a PDU that has been in service: what each counter showed when it was first started.
        self.start_uj = [self._random.randrange(WRAP_WH // 1000) * UJ_PER_WH for _ in self.power_mw]
        self.start_uj[NEAR_WRAP] = (WRAP_WH - 2) * UJ_PER_WH
        self.used_uj = [0] * (1 + OUTLETS)
        if saved is not None:
            self.start_uj, self.used_uj = list(saved["start_uj"]), list(saved["used_uj"])
            if not len(self.start_uj) == len(self.used_uj) == len(self.power_mw):
                raise ValueError(f"a PDU of {OUTLETS} outlets is needed")
        self.advance(0)

    def advance(self, span_ms: int) -> None:
        """Let time pass, in steps within which power stays the same."""
        while True:
            if self._changes_in_ms <= 0:
                self._change()
            step_ms = min(span_ms, self._changes_in_ms)
            for index, power_mw in enumerate(self.power_mw):
                self.used_uj[index] += power_mw * step_ms
            self._changes_in_ms -= step_ms
            span_ms -= step_ms
            if span_ms <= 0:
                return

    def registers(self) -> list[int]:
        """All holding registers from address 0: floats and integers high word first."""
        image = bytearray(2 * REGISTERS)
        struct.pack_into(">I", image, 0, SERIAL)
        for index, power_mw in enumerate(self.power_mw):
            byte = 4 if index == 0 else 2 * (16 + 4 * (index - 1))
            struct.pack_into(">fI", image, byte, power_mw / 1000, self.register_wh(index))
        return list(struct.unpack(f">{REGISTERS}H", image))

    def register_wh(self, index: int) -> int:
        """What a counter shows: whole Wh, from 0 again after 2³²."""
        return (self.start_uj[index] + self.used_uj[index]) // UJ_PER_WH % WRAP_WH

    def truth(self) -> dict[str, object]:
        """What each was used since the first start, exactly, and what it draws now."""
        return {
            "serial": SERIAL,
            "energy_uj": dict(zip(names(), self.used_uj, strict=True)),
            "energy_j": {n: uj // 1_000_000 for n, uj in zip(names(), self.used_uj, strict=True)},
            "register_wh": {n: self.register_wh(i) for i, n in enumerate(names())},
            "power_mw": dict(zip(names(), self.power_mw, strict=True)),
        }

    def state(self) -> dict[str, list[int]]:
        """What has to outlive a restart. Nothing is drawn while it is off."""
        return {"start_uj": self.start_uj, "used_uj": self.used_uj}

    def _change(self) -> None:
        for index, (mean, stray) in enumerate(LOADS_MW, 1):
            self.power_mw[index] = mean + self._random.randint(-stray, stray)
        self.power_mw[0] = OWN_MW + sum(self.power_mw[1:])
        self._changes_in_ms = self._random.randint(CHANGE_MS // 2, CHANGE_MS)


def names() -> list[str]:
    """The inlet, then the outlets."""
    return ["inlet", *(f"outlet-{n:02d}" for n in range(1, OUTLETS + 1))]


class Clocked:
    """A rack that time passes for, and the files that tell of it."""

    def __init__(self, rack: Rack, state: Path | None, truth: Path | None) -> None:
        self._rack = rack
        self._state = state
        self._truth = truth
        self._at_ms = time.monotonic_ns() // 1_000_000

    async def answer(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Bring the registers up to date before they are read; nothing may be written."""
        if written is not None:
            return ExcCodes.ILLEGAL_FUNCTION
        self.now()
        registers[:REGISTERS] = self._rack.registers()
        return None

    def now(self) -> None:
        """Let the time pass that has passed."""
        at_ms = time.monotonic_ns() // 1_000_000
        self._rack.advance(at_ms - self._at_ms)
        self._at_ms = at_ms

    def save(self) -> None:
        """Write state and truth, each whole or not at all."""
        self.now()
        for path, content in ((self._state, self._rack.state()), (self._truth, self._rack.truth())):
            if path is not None:
                part = path.with_name(path.name + ".part")
                part.write_text(json.dumps(content, indent=1), encoding="utf-8")
                part.replace(path)


async def serve(host: str, port: int, clocked: Clocked) -> None:
    """Answer until SIGINT or SIGTERM, and save each second and at the end."""
    image = SimData(0, values=[0] * REGISTERS, datatype=DataType.REGISTERS)
    # Device 0 answers to every unit id, as most PDUs do.
    device = SimDevice(0, simdata=[image], action=clocked.answer)
    server = ModbusTcpServer(device, address=(host, port))
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await server.serve_forever(background=True)
    port = cast(asyncio.Server, server.transport).sockets[0].getsockname()[1]
    print(f"rack PDU listening on {host}:{port}", flush=True)
    while not stop.is_set():
        clocked.save()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), SAVE_S)
    await server.shutdown()  # type: ignore[no-untyped-call]
    clocked.save()


def main() -> int:
    """Exit code: 0 stopped, 1 the address is taken, 2 usage or a state that is none."""
    parser = argparse.ArgumentParser(description="A rack PDU that speaks Modbus TCP.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5020, help="0 takes a free one")
    parser.add_argument("--seed", type=int, default=1, help="of the power that is drawn")
    parser.add_argument("--state", type=Path, help="file in which the counters outlive a restart")
    parser.add_argument("--truth", type=Path, help="file that tells what was really used")
    options = parser.parse_args()
    if options.state is not None and options.state.exists():
        try:
            saved = json.loads(options.state.read_text(encoding="utf-8"))
            rack = Rack(options.seed, saved)
        except (OSError, ValueError, KeyError, TypeError) as error:
            print(f"{options.state}: no state of this PDU ({error}); remove it", file=sys.stderr)
            return 2
    else:
        rack = Rack(options.seed)
    try:
        asyncio.run(serve(options.host, options.port, Clocked(rack, options.state, options.truth)))
    except RuntimeError:
        print(f"{options.host}:{options.port}: cannot listen; is it taken?", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
