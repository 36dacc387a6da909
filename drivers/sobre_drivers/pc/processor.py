"""What this PC's processor is called, and how long it was busy since the machine started."""

import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

# The name stands within the first lines; one processor's block is some 1.5 KiB.
_NAME_WITHIN = 8192


class CpuTimes(NamedTuple):
    """Seconds that all processors spent in each state since this PC started (proc(5), "cpu")."""

    user: float
    nice: float
    system: float
    idle: float
    iowait: float
    irq: float
    softirq: float


def cpu_times(proc: Path = Path("/proc")) -> Any:
    """What this PC's processors did, as psutil names it; OSError where that cannot be told.

    Linux says it in one line, for which psutil would weigh 1.7 MB all year.
    """
    if sys.platform != "linux":
        import psutil

        try:
            return psutil.cpu_times()
        except psutil.Error as error:
            raise OSError(str(error)) from error
    with (proc / "stat").open("rb") as file:
        words = file.readline().split()
    ticks = words[1 : len(CpuTimes._fields) + 1]
    told = words[:1] == [b"cpu"] and all(map(bytes.isdigit, ticks))
    if not told or len(ticks) < len(CpuTimes._fields):
        raise OSError(f"{proc}/stat: its first line tells no processor times")
    second = os.sysconf("SC_CLK_TCK")
    return CpuTimes(*(int(count) / second for count in ticks))


def name(proc: Path = Path("/proc"), platform: str = sys.platform) -> str:
    """What this PC's processor calls itself; empty if it does not say, or is another's."""
    if platform == "win32":
        from sobre_drivers.pc import windows

        return windows.processor_name()
    if platform == "darwin":
        from sobre_drivers.pc import macos

        return macos.processor_name()
    try:
        with (proc / "cpuinfo").open("rb") as file:
            text = file.read(_NAME_WITHIN).decode("utf-8", errors="replace")
    except OSError:
        return ""
    said: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        said.setdefault(key.strip(), value.strip())
    # A virtual machine shows the processor of its host, of which it has a part.
    if "hypervisor" in said.get("flags", "").split():
        return ""
    return said.get("model name", "")
