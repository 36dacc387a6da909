"""Listens on a serial port for meters that speak by themselves. Nothing is sent."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.commissioning.found import Found, Match
from sobre_drivers.meters.commissioning.scan import Job, Way
from sobre_drivers.meters.p1 import kind as p1
from sobre_drivers.meters.p1.decoding import Telegrams
from sobre_drivers.meters.serial_port import SerialPort
from sobre_drivers.meters.tic import kind as tic
from sobre_drivers.meters.tic.decoding import Frames

# A whole frame or telegram of the slowest, tuned in to half-way.
LISTEN_S = 8.0
# A line that is silent for so long at one speed has nothing to say at it.
SILENCE_S = 3.0


class Setting(NamedTuple):
    """How a port may be set. Whoever speaks at one is known by what it says."""

    baud_rate: int
    parity: Literal["none", "even"]
    data_bits: Literal[7, 8]


SETTINGS = (
    Setting(9600, "even", 7),
    Setting(1200, "even", 7),
    Setting(115200, "none", 8),
)


def job(path: str, listen_s: float = LISTEN_S, silence_s: float = SILENCE_S) -> Job:
    """Télé-information and P1 on one port."""
    return Job(path, 0, 0, partial(_listen, path, listen_s, silence_s))


def heard(path: str, setting: Setting, listen_s: float, silence_s: float) -> Iterator[bytes]:
    """What comes within `listen_s`, until nothing does for `silence_s`; MeterError as the port."""
    port = SerialPort(path, setting.baud_rate, setting.parity, 1, setting.data_bits)
    port.open()
    try:
        end_s = time.monotonic() + listen_s
        while (left_s := end_s - time.monotonic()) > 0:
            data = port.read(min(left_s, silence_s))
            if not data:
                return
            yield data
    finally:
        port.close()


def _listen(path: str, listen_s: float, silence_s: float, way: Way) -> Iterator[Found]:
    for setting in SETTINGS:
        way.say(f"{path} at {setting.baud_rate} Bd, listening")
        frames, telegrams = Frames(), Telegrams(setting.data_bits)
        for data in heard(path, setting, listen_s, silence_s):
            for frame in frames.feed(data):
                if frame.groups:
                    yield _tic(path, str(frame.mode or ""), way.folder)
                    return
            for telegram in telegrams.feed(data):
                yield _p1(path, setting, telegram.checked, way.folder)
                return


def _tic(path: str, mode: str, folder: Path | None) -> Found:
    fitting = []
    for name, file in _profiles("tic", folder):
        model = tic.read(file)
        if model.mode in (mode, "auto"):
            fitting.append(
                (model.mode != mode, Match(name, "identified", f"frames in mode {mode}"))
            )
    matches = tuple(match for _, match in sorted(fitting, key=lambda each: each[0]))
    return Found("tic", {"serial_port": path}, f"télé-information, mode {mode}", matches)


def _p1(path: str, setting: Setting, checked: bool, folder: Path | None) -> Found:
    line = f"{setting.baud_rate}-{setting.data_bits}{'N' if setting.parity == 'none' else 'E'}1"
    why = "telegrams with a CRC that is right" if checked else "telegrams; they carry no CRC"
    fitting = [
        (p1.read(file).line != line, Match(name, "identified" if checked else "likely", why))
        for name, file in _profiles("p1", folder)
    ]
    matches = tuple(match for _, match in sorted(fitting, key=lambda each: each[0]))
    return Found("p1", {"serial_port": path}, f"P1 at {line}", matches[:1])


def _profiles(protocol: str, folder: Path | None) -> list[tuple[str, Path]]:
    found = []
    for name, path in catalog.paths(folder).items():
        try:
            if catalog.about(path).protocol == protocol:
                found.append((name, path))
        except ConfigError:
            continue
    return found
