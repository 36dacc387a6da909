"""What no device should send: every decoder says MeterError or None, and never a made-up figure."""

import json
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sobre_drivers.errors import MeterError
from sobre_drivers.meters import web
from sobre_drivers.meters.dcmi import decoding as dcmi
from sobre_drivers.meters.figures import counted_uj, number
from sobre_drivers.meters.nut import decoding as nut
from sobre_drivers.meters.p1 import decoding as p1
from sobre_drivers.meters.p1 import meaning as p1_meaning
from sobre_drivers.meters.plugs.model import Figures
from sobre_drivers.meters.redfish import decoding as redfish
from sobre_drivers.meters.shelly import meaning as shelly
from sobre_drivers.meters.tasmota import meaning as tasmota
from sobre_drivers.meters.tic import decoding as tic
from sobre_drivers.meters.tic import meaning as tic_meaning
from sobre_drivers.meters.zigbee2mqtt import meaning as zigbee2mqtt

Plug = Callable[[Mapping[str, Any]], Figures]
WORDS = (
    "ENERGY StatusSNS Total TotalStartTime Power power energy meters emeters total is_valid mac "
    "apower aenergy PowerWatts EnergykWh Reading LifetimeReading PowerControl PowerConsumedWatts "
    "PowerSupplies PowerInputWatts InputPowerWatts Status State Members @odata.id Links WARNING"
)
KEYS = WORDS.split()
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.just(10**400),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)
messages = st.dictionaries(st.sampled_from(KEYS), anything, max_size=5)
PLUGS: dict[str, Plug] = {
    "tasmota": tasmota.figures,
    "zigbee2mqtt": zigbee2mqtt.figures,
    "gen1": partial(shelly.first_generation, place="meters", channel=0),
    "em": partial(shelly.first_generation, place="emeters", channel=0),
    "gen2": shelly.later_generation,
}


def drawn(power_w: float | None) -> bool:
    return power_w is None or (math.isfinite(power_w) and power_w >= 0)


@pytest.mark.parametrize("figures", PLUGS.values(), ids=PLUGS)
@settings(max_examples=150, deadline=None)
@given(message=messages)
def test_a_plug_says_figures_or_nothing(figures: Plug, message: dict[str, Any]) -> None:
    try:
        said = figures(message)
    except MeterError:
        return
    assert drawn(said.power_w)
    assert said.register_uj is None or said.register_uj >= 0
    assert (said.power_w, said.register_uj) != (None, None)


@settings(max_examples=200, deadline=None)
@given(messages)
def test_a_controller_says_figures_or_nothing(message: dict[str, Any]) -> None:
    for meaning in (redfish.environment, redfish.power, redfish.supply):
        said = meaning(message)
        assert drawn(said.power_w)
        assert said.energy_kwh is None or said.energy_kwh >= 0
    assert all(path.startswith("/redfish/v1/") for path in redfish.members(message))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | messages.map(lambda each: json.dumps(each).encode()))
def test_json_is_an_object_or_nothing(data: bytes) -> None:
    try:
        assert isinstance(web.json_object(data), dict)
    except MeterError:
        return


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_a_program_or_server_says_power_or_nothing(text: str) -> None:
    questions: tuple[Callable[[], float], ...] = (
        lambda: dcmi.power_w(text),
        lambda: dcmi.power_w(f"Instantaneous power reading:  {text}\nPower reading state is: on"),
        lambda: nut.power_w(nut.variables(text, "ups"), "realpower"),
        lambda: nut.power_w({"ups.load": text, "ups.realpower.nominal": text}, "load"),
    )
    for said in questions:
        try:
            assert drawn(said())
        except MeterError:
            continue
    assert dcmi.finding(text)


@pytest.mark.parametrize("value", [10**400, -(10**400), 1e300, True, "1", None, float("nan")])
def test_what_is_no_figure_is_none(value: Any) -> None:
    assert number({"a": [value]}, "a", 0) is None


@pytest.mark.parametrize(
    ("energy", "register_uj"),
    [(0.1, 360_000), (1e-05, 36), (0.3, 1_080_000), (123456.789, 444444440400), (None, None)],
)
def test_a_register_is_what_its_digits_say(energy: float | None, register_uj: int | None) -> None:
    assert counted_uj(energy, 3_600_000) == register_uj


def test_a_number_of_thousands_of_digits_is_no_index() -> None:
    digits = "9" * 5000
    covered = f"BASE {digits}".encode()
    (frame,) = tic.Frames().feed(
        b"\x02\n" + covered + b" " + bytes([tic.checksum(covered)]) + b"\r\x03"
    )
    assert frame.said("BASE") == digits
    assert tic_meaning.energy_wh(frame) is None
    telegram = p1.Telegram("x", {"1-0:1.8.0": (f"{digits}*kWh",)}, True)
    assert p1_meaning.energy_uj(telegram) is None
    with pytest.raises(MeterError):
        dcmi.power_w(
            f"Instantaneous power reading: {digits} Watts\nPower reading state is: activated"
        )
