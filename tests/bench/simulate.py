"""How fast `sobre simulate` feeds a made-up fleet through the product's own intake and jobs."""

from bench.figures import Figure, Run
from bench.fleet import simulated

TITLE = "Simulation"


def measure(run: Run) -> list[Figure]:
    fleet = simulated(run)
    what = f"{fleet.devices:,} devices over {fleet.years} years"
    return [
        Figure(what, "s", [fleet.wall_s], aim="≤ 120 for 3,000 and 3 years"),
        Figure("the same", "CPU s", [fleet.cpu_s]),
        Figure("the same", "devices × days/s", [fleet.device_days / fleet.wall_s]),
    ]
