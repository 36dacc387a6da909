"""What passed between two instants: time awake, asleep or off, and clocks that were set."""

from dataclasses import dataclass

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
