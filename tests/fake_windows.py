"""Windows as far as it is asked: its answers are made up byte by byte after Microsoft's headers."""

import struct
from collections.abc import Sequence

NAMES = ("RAPL_Package0_PKG", "RAPL_Package0_PP0", "RAPL_Package0_PP1", "RAPL_Package0_DRAM")
PWH_PER_J = 1e12 / 3600


def v1(name: str, unit: int = 0) -> bytes:
    """EMI_METADATA_V1."""
    text = (name + "\0").encode("utf-16-le")
    head = struct.pack("<I32s32sHH", unit, "Maker".encode("utf-16-le"), b"", 3, len(text))
    return head + text


def v2(*names: str, unit: int = 0) -> bytes:
    """EMI_METADATA_V2 with its EMI_CHANNEL_V2s."""
    found = struct.pack("<32s32sHH", "Maker".encode("utf-16-le"), b"", 1, len(names))
    for name in names:
        text = (name + "\0").encode("utf-16-le")
        found += struct.pack("<IH", unit, len(text)) + text
    return found


def measured(*energies_pwh: int, ticks: int = 0) -> bytes:
    return b"".join(struct.pack("<QQ", energy, ticks) for energy in energies_pwh)


class Fake:
    """Windows as far as it is asked: `devices` by path as (version, metadata, measurement)."""

    def __init__(self) -> None:
        self.devices: dict[str, tuple[int, bytes, bytes]] = {}
        self.battery = state(mains=True, present=False)
        self.displays: bytes | OSError = b""
        self.ticks = 0
        self.enclosure: int | None = None

    def interface_paths(self, guid: bytes) -> Sequence[str]:
        assert guid.hex() == "4483bd45d67ecf49a440c276c933b053"
        return list(self.devices)

    def control(self, path: str, code: int, size: int) -> bytes:
        if path not in self.devices:
            raise OSError(2, "no such device")
        version, metadata, measurement = self.devices[path]
        answers = {
            0x224000: struct.pack("<H", version),
            0x224004: struct.pack("<I", len(metadata)),
            0x224008: metadata,
            0x22400C: measurement,
        }
        # A buffer that is too small is refused, not filled in part.
        if len(answers[code]) > size:
            raise OSError(122, "the data area is too small")
        return answers[code]

    def power_information(self, level: int, size: int) -> bytes:
        assert (level, size) == (5, 32)
        return self.battery

    def active_displays(self) -> bytes:
        if isinstance(self.displays, OSError):
            raise self.displays
        return self.displays

    def unbiased_ticks(self) -> int:
        return self.ticks

    def firmware_table(self) -> bytes:
        if self.enclosure is None:
            raise OSError(50, "not supported")
        return bytes(8) + table(self.enclosure)

    def registry_text(self, key: str, name: str) -> str:
        assert name == "ProcessorNameString"
        return "Intel(R) Core(TM) i5-6500T CPU @ 2.50GHz "


def state(
    *,
    mains: bool = False,
    present: bool = True,
    charging: bool = False,
    discharging: bool = True,
    rate_mw: int = -8_250,
) -> bytes:
    """SYSTEM_BATTERY_STATE."""
    flags = (mains, present, charging, discharging)
    return struct.pack("<????4xIIiIII", *flags, 50_000, 40_000, rate_mw, 0, 0, 0)


def table(enclosure: int) -> bytes:
    """A raw SMBIOS table: firmware, system, enclosure, end, each with its texts."""
    return b"".join(
        (
            bytes((0, 24, 0, 0)) + bytes(20) + b"Maker\0001.02\0\0",
            bytes((1, 27, 1, 0)) + bytes(23) + b"\0\0",
            bytes((3, 21, 2, 0, 1, enclosure)) + bytes(15) + b"Maker\0\0",
            bytes((127, 4, 3, 0)) + b"\0\0",
        )
    )


def path_info(*technologies: int) -> bytes:
    """DISPLAYCONFIG_PATH_INFOs: source of 20 bytes, then adapter, id and mode before the cable."""
    return b"".join(
        bytes(20) + bytes(16) + struct.pack("<I", each) + bytes(32) for each in technologies
    )
