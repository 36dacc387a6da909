"""Each profile reads a small capture whose values were written by hand, through a real agent."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from meters.served import agrees
from snmp.agents import HOST, Agents, recording
from sobre_agent.config import Meter
from sobre_drivers.errors import ConfigError
from sobre_drivers.load import Origin
from sobre_drivers.meters import catalog
from sobre_drivers.meters.configured import SnmpAccess
from sobre_drivers.meters.snmp import profile
from sobre_drivers.sample import Reading

CAPTURES = Path(__file__).parent / "captures" / "snmp"
PROFILES = sorted(name for name, path in catalog.paths().items() if path.parent.name == "snmp")


def capture(name: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((CAPTURES / f"{name}.json").read_text(encoding="utf-8"))
    return made


@pytest.fixture(scope="module")
def agents() -> Iterator[Agents]:
    texts = {}
    for name in PROFILES:
        objects = {oid: (tag, value) for oid, (tag, value) in capture(name)["objects"].items()}
        texts[name] = recording(objects)
    with Agents(texts) as made:
        yield made


def meter(name: str, port: int, folder: Path, **more: Any) -> Meter:
    file = folder / "community"
    file.write_text(name, encoding="utf-8")
    file.chmod(0o600)
    access = SnmpAccess(community_file=file)
    return Meter(device="m", profile=name, host=HOST, port=port, snmp=access, timeout_s=10, **more)


def test_every_profile_has_a_capture_and_every_capture_a_profile() -> None:
    assert sorted(path.stem for path in CAPTURES.glob("*.json")) == PROFILES
    assert all(capture(name)["profile"] == name for name in PROFILES)


@pytest.mark.parametrize("name", PROFILES)
def test_profile_reads_its_capture(agents: Agents, tmp_path: Path, name: str) -> None:
    driver = catalog.driver_for(meter(name, agents.port, tmp_path))
    try:
        found = {each.device.partition("/")[2]: each for each in driver.read()}
        shown = {(each.device, each.name): each.value for each in driver.shown()}
        described = {each.device for each in driver.describe()}
    finally:
        driver.close()
    expected = capture(name)["expected"]
    assert found.keys() == expected.keys(), "what the agent lacks is not read"
    assert described >= {each.device for each in found.values()}
    for part, wanted in expected.items():
        reading: Reading = found[part]
        assert agrees(reading.power_w, wanted, "power_w"), part
        assert agrees(reading.register_uj, wanted, "register_uj"), part
        for field in ("serial", "pages", "state"):
            if field in wanted:
                assert getattr(reading, field) == wanted[field]
        for quantity, value in wanted.get("shown", {}).items():
            assert shown[reading.device, quantity] == value


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_says_where_it_is_from_and_how_it_is_recognised(name: str) -> None:
    model = profile.read(catalog.find(name))
    assert model.source
    assert model.identify.exists or model.identify.object_ids
    assert (model.confirmed != "unconfirmed") or model.note


def test_a_printer_is_asked_every_ten_minutes_at_most_and_in_working_hours() -> None:
    for name in ("printer", "printer-sheets"):
        about = catalog.about(catalog.find(name))
        assert (about.sample_s, about.hours) == (600, "working")
        (described,) = catalog.describe(Meter(device="p", profile=name, host=HOST))
        assert described.origin is Origin.ESTIMATED
        assert described.uncertainty_ratio is not None
        assert described.uncertainty_ratio >= 0.5
    assert described.method == "snmp printer-sheets, pages in sheets"


GOOD = """
protocol = "snmp"
maker = "Acme"
model = "P1"
source = "its manual"
confirmed = "unconfirmed"
device_class = "pdu"
rated_w = 3680

[[part]]
power = { oid = "1.3.6.1.4.1.99.1.0" }
"""


@pytest.mark.parametrize(
    ("before", "after", "finding"),
    [
        ('"1.3.6.1.4.1.99.1.0"', '".1.3.6"', r"part\[0\]\.power\.oid is '\.1\.3\.6'"),
        ('oid = "1.3', 'oid = "1.{row}.3', r"OID 1\.\{row\}\.3.* has \['row'\]; known are n, unit"),
        ("power = {", "powr = {", r"unknown key 'part\[0\]\.powr'; did you mean 'power'\?"),
        ('{ oid = "1.3.6.1.4.1.99.1.0" }', '{ unit = "W" }', r"oid is missing"),
        ('1.0" }', '1.0", scale = 0 }', r"scale is 0"),
        ('1.0" }', '1.0", unit = "VA" }', r"'part\[0\]\.power\.unit' is 'VA'; choose one of 'W'"),
        ("power = {", "energy = {", None),
        ("power = {", "count = 4\npower = {", r"count above 1 needs \{n\}"),
        ("[[part]]", '[[part]]\nname = "o-{n}"\ncount = 2', r"count above 1 needs \{n\}"),
        ('device_class = "pdu"', 'device_class = "pdo"', r"device_class is 'pdo'"),
        ("rated_w = 3680", "rated_w = 3680\nmax_oids = 0", r"max_oids is 0"),
    ],
)
def test_a_wrong_profile_is_refused_with_its_key(
    tmp_path: Path, before: str, after: str, finding: str | None
) -> None:
    path = tmp_path / "acme.toml"
    path.write_text(GOOD.replace(before, after), encoding="utf-8")
    if finding is None:
        profile.read(path)
        return
    with pytest.raises(ConfigError, match=finding) as refused:
        profile.read(path)
    assert str(path) in str(refused.value)


def test_a_new_pdu_takes_one_toml_file_and_no_python(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(GOOD, encoding="utf-8")
    with Agents({"acme": recording({"1.3.6.1.4.1.99.1.0": ("2", 77)})}) as agents:
        driver = catalog.driver_for(meter("acme", agents.port, tmp_path), tmp_path)
        assert driver.read()[0].power_w == 77
        driver.close()


def test_only_the_configured_outlets_are_read(agents: Agents, tmp_path: Path) -> None:
    driver = catalog.driver_for(meter("eaton-epdu", agents.port, tmp_path, outlets=(2,)))
    assert [each.device for each in driver.describe()] == ["m", "m/outlet-02"]
    assert [each.device for each in driver.read()] == ["m", "m/outlet-02"]
    driver.close()
