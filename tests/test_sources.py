"""What an agent says of a device once."""

from dataclasses import replace

import pytest

from sobre_agent.config import AgentConfig
from sobre_agent.sources import birth_of
from sobre_drivers import birth
from sobre_drivers.load import Origin
from sobre_drivers.sample import UJ_PER_J, Described

CONFIG = AgentConfig(organisation="ville", site="salle", node="reader")
OUTLET = Described("pdu-a3/outlet-07", "server", 2300.0, "modbus", Origin.MEASURED)


@pytest.mark.parametrize(
    ("count_uj", "told"),
    [
        (1, None),
        (36_000 * UJ_PER_J, None),
        (360_000 * UJ_PER_J, 360_000),
        (36_000 * UJ_PER_J + 1, 36_001),
        (4_000_000 * UJ_PER_J, None),
    ],
    ids=["uJ", "10-Wh", "100-Wh", "a-little-over-10-Wh", "coarser-than-any-meter"],
)
def test_a_coarse_register_tells_its_step_and_a_fine_one_does_not(
    count_uj: int, told: int | None
) -> None:
    said = birth.decode(birth_of(replace(OUTLET, count_uj=count_uj), CONFIG))
    assert said.count_j == told
    assert (said.device_class, said.rated_w) == ("server", 2300.0)
