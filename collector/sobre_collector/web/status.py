"""What the agents of this machine say of it, in the file that each keeps beside its spool."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# An agent writes devices by the dozen; what is larger is not its file.
MAX_BYTES = 1_000_000
# An agent that has not written for so long has stopped or hangs.
STALE_S = 300


@dataclass(frozen=True, slots=True)
class OwnDevice:
    """A device of this machine: None is what it cannot say; `energy_today_j` is since midnight."""

    device: str
    power_w: float | None
    method: str
    origin: str
    uncertainty_ratio: float | None
    energy_today_j: float | None


@dataclass(frozen=True, slots=True)
class Status:
    """What one agent wrote at `time` (Unix seconds); `waiting` loads are not yet confirmed."""

    node: str
    time: float
    devices: tuple[OwnDevice, ...]
    waiting: int | None
    problem: str = ""

    def stale(self, now_s: float) -> bool:
        """Whether it is too old to be called present."""
        return now_s - self.time > STALE_S


def read(path: Path) -> Status | None:
    """The status in a file; None if there is none yet, and with `problem` if it says nothing."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return _unreadable(path, f"over {MAX_BYTES} bytes")
        found = json.loads(path.read_text("utf-8"))
        return _status(path, found)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        return _unreadable(path, f"{type(error).__name__}: {error}"[:200])


def _status(path: Path, found: Any) -> Status:
    spool = found.get("spool") or {}
    waiting = spool.get("waiting", spool.get("loads"))
    return Status(
        node=str(found.get("node") or path.name.partition(".")[0])[:63],
        time=_number(found["time"]) or 0.0,
        devices=tuple(_device(one) for one in found["devices"][:200]),
        waiting=waiting if isinstance(waiting, int) else None,
    )


def _device(one: Any) -> OwnDevice:
    return OwnDevice(
        str(one["device"])[:130],
        _number(one.get("power_w")),
        str(one.get("method", ""))[:100],
        str(one.get("origin", ""))[:20],
        _number(one.get("uncertainty_ratio")),
        _number(one.get("energy_today_j")),
    )


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _unreadable(path: Path, problem: str) -> Status:
    return Status(path.name, 0.0, (), None, problem)
