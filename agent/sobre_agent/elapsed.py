"""What passed between two instants: awake, asleep or off; clocks that were set or are wrong."""

from dataclasses import dataclass

from sobre_drivers.clock import WRITTEN_S
from sobre_drivers.sample import Instant

# Two clocks may disagree by so much (s) before one of them was set.
SLEW_S = 2.0
# A shorter disagreement (s) of monotonic and boot time is no sleep.
NAP_S = 5.0


@dataclass(frozen=True, slots=True)
class Elapsed:
    """`total_s` of real time, of which `off_s` then `asleep_s`, the rest awake.

    `doubtful_s` comes first: time before an unclean stop, of which nobody knows. `jump_s` is by how
    much the wall clock was set (+ forward).
    """

    total_s: float
    asleep_s: float = 0.0
    off_s: float = 0.0
    doubtful_s: float = 0.0
    jump_s: float = 0.0

    @property
    def awake_s(self) -> float:
        """Seconds that were neither off, asleep nor doubtful."""
        return max(0.0, self.total_s - self.asleep_s - self.off_s - self.doubtful_s)


@dataclass(frozen=True, slots=True)
class Reference:
    """The collector's clock (`wall_s`) when this machine had run for `boot_s`."""

    wall_s: float
    boot_s: float

    def off_s(self, at: Instant) -> float:
        """How far (s) the wall clock is ahead of the collector's."""
        return at.wall_s - self.wall_s - (at.boot_s - self.boot_s)


def believed(at: Instant, reference: Reference | None, tolerance_s: float) -> Instant | None:
    """The instant with a wall clock that can be believed; None while there is none.

    A clock that is further than `tolerance_s` from the collector's is wrong, and the collector's is
    taken for it. Without a reference, any time since this software was written will do.
    """
    if reference is not None and reference.wall_s >= WRITTEN_S:
        off_s = reference.off_s(at)
        if abs(off_s) > tolerance_s:
            return Instant(at.wall_s - off_s, at.mono_s, at.boot_s)
    return at if at.wall_s >= WRITTEN_S else None


def between(before: Instant, now: Instant) -> Elapsed:
    """What passed while the machine did not restart."""
    total_s = max(0.0, now.boot_s - before.boot_s)
    asleep_s = total_s - (now.mono_s - before.mono_s)
    jump_s = now.wall_s - before.wall_s - total_s
    return Elapsed(
        total_s,
        asleep_s=min(total_s, asleep_s) if asleep_s > NAP_S else 0.0,
        jump_s=jump_s if abs(jump_s) > SLEW_S else 0.0,
    )


def since_last_run(before: Instant, now: Instant, clean: bool, checkpoint_s: float) -> Elapsed:
    """What passed since the agent last ran: a restart of the machine shows in its boot time.

    Without a clean stop the last checkpoint may be `checkpoint_s` old, and what the machine did
    until it went down is not known.
    """
    booted_s = now.wall_s - now.boot_s
    restarted = now.boot_s < before.boot_s or booted_s > before.wall_s
    if not restarted:
        return between(before, now)
    total_s = now.wall_s - before.wall_s
    if total_s < now.boot_s - SLEW_S:
        # The wall clock was set back: all that is sure is the time since the machine started.
        return Elapsed(now.boot_s, jump_s=total_s - now.boot_s)
    down_s = max(0.0, booted_s - before.wall_s)
    doubtful_s = 0.0 if clean else min(down_s, checkpoint_s)
    return Elapsed(total_s, off_s=down_s - doubtful_s, doubtful_s=doubtful_s)
