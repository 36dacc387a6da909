"""What a process on this PC has cost since it began; asked now and then, never while sampling."""

import time
from dataclasses import dataclass
from pathlib import Path

_MIB = 1024 * 1024
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Cost:
    """`cpu_s` is its own work and that of the processes it has started and seen end (s)."""

    span_s: float
    memory_mib: float
    cpu_s: float
    wakeups: int

    @property
    def cpu_s_a_day(self) -> float:
        """Processor time (s) a day, if it goes on as since it began; its start counts once more."""
        return self.cpu_s / self.span_s * DAY_S

    @property
    def wakeups_a_second(self) -> float:
        """How often it was woken a second."""
        return self.wakeups / self.span_s


def cost_of(pid: int) -> Cost:
    """The cost of a process; OSError if it is gone or another user's."""
    import psutil

    try:
        process = psutil.Process(pid)
        with process.oneshot():
            times, memory = process.cpu_times(), process.memory_info()
            switches, begun_s = process.num_ctx_switches().voluntary, process.create_time()
    except psutil.Error as error:
        raise OSError(f"process {pid}: {error}") from error
    cpu_s = times.user + times.system
    # Deliveries are processes that come and go; Windows does not add them up.
    cpu_s += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    span_s = max(1.0, time.time() - begun_s)
    return Cost(span_s, memory.rss / _MIB, cpu_s, _of_threads(pid) or switches)


def _of_threads(pid: int) -> int:
    """Wake-ups of all threads on Linux, whose process tells those of its first; 0 elsewhere."""
    total = 0
    for path in Path(f"/proc/{pid}/task").glob("*/status"):
        try:
            lines = path.read_text("ascii", "replace").splitlines()
        except OSError:
            continue
        total += sum(int(x.split()[1]) for x in lines if x.startswith("voluntary_ctxt_switches"))
    return total
