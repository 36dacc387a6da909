"""What an agent says of a device once."""

from dataclasses import replace
from typing import Any

import pytest

from sobre_agent.config import AgentConfig, Host, LoadLength, Meter
from sobre_agent.schedule import private
from sobre_agent.sources import birth_of, sources_of
from sobre_drivers import birth
from sobre_drivers.load import Origin
from sobre_drivers.meters.configured import Part
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


def plug(**more: Any) -> Meter:
    return Meter("plug-1", "tasmota", host="192.0.2.7", **more)


@pytest.mark.parametrize(
    ("meter", "device", "length"),
    [
        (plug(), "plug-1", "minute"),
        (plug(device_class="printer"), "plug-1", "minute"),
        (plug(device_class="workstation.desktop"), "plug-1", "day"),
        (plug(device_class="monitor"), "plug-1", "day"),
        (plug(device_class="workstation.desktop", load="hour"), "plug-1", "hour"),
        (plug(device_class="workstation.desktop", outlet_load="minute"), "plug-1", "day"),
    ],
    ids=["facility", "printer", "desktop", "monitor", "decided", "decided-for-outlets"],
)
def test_a_plug_on_a_workstation_tells_no_more_than_days(
    meter: Meter, device: str, length: LoadLength
) -> None:
    (source,) = sources_of(replace(CONFIG, host=Host(enabled=False), meters=(meter,)), "reader")
    assert source.load_of(device) == length
    assert private(source) == ((meter.device_class or "") in ("workstation.desktop", "monitor"))


@pytest.mark.parametrize(
    ("more", "of_desk", "of_server"),
    [
        ({}, "day", "minute"),
        ({"load": "minute"}, "day", "minute"),
        ({"outlet_load": "ten-minutes"}, "ten-minutes", "ten-minutes"),
    ],
    ids=["default", "said-of-the-whole", "said-of-outlets"],
)
def test_a_pc_on_one_outlet_of_a_pdu_tells_no_more_than_days(
    more: dict[str, Any], of_desk: LoadLength, of_server: LoadLength
) -> None:
    desk = Part("outlet-02", "workstation.desktop", 300.0)
    pdu = Meter("pdu-a3", "sobre-demo-pdu", host="192.0.2.7", parts=(desk,), **more)
    (source,) = sources_of(replace(CONFIG, host=Host(enabled=False), meters=(pdu,)), "reader")
    assert source.load_of("pdu-a3/outlet-02") == of_desk
    assert source.load_of("pdu-a3/outlet-01") == of_server
    assert source.load_of("pdu-a3") == "minute"
    assert private(source)


def test_meters_behind_one_gateway_are_asked_in_turn_whether_or_not_its_port_is_stated() -> None:
    meters = tuple(
        Meter(f"feeder-{n}", "eastron-sdm120", host="192.0.2.7", port=port, unit_id=n)
        for n, port in ((1, None), (2, 502), (3, 1502))
    )
    config = replace(CONFIG, host=Host(enabled=False), meters=meters)
    first, second, elsewhere = sources_of(config, "reader")
    assert first.address == second.address != elsewhere.address
