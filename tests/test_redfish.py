"""Redfish over real TLS on loopback, in the shapes of DMTF's public mockups."""

import base64
import json
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from meters.pages import HOST, Pages, Question, Said, said, site
from meters.secret import secret
from sobre_agent.config import Meter
from sobre_drivers.errors import ConfigError, MeterError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.configured import Login, Part
from sobre_drivers.meters.kind import MeterDriver
from sobre_drivers.meters.redfish import decoding
from sobre_drivers.registers import Limits, Register, Shown, Step, Verdict, settle
from sobre_drivers.sample import UJ_PER_KWH

Answer = Callable[[Question], Said | None]
CHASSIS = "/redfish/v1/Chassis"
SESSIONS = "/redfish/v1/SessionService/Sessions"


def at(path: str) -> dict[str, str]:
    return {"@odata.id": path}


def chassis(*names: str, **more: Any) -> dict[str, Any]:
    """The collection, and a chassis of each name that leads to the places in `more`."""
    pages: dict[str, Any] = {
        CHASSIS: {"Name": "Chassis", "Members": [at(f"{CHASSIS}/{name}") for name in names]}
    }
    for name in names:
        links = {place: at(f"{CHASSIS}/{name}/{place}") for place in more}
        pages[f"{CHASSIS}/{name}"] = {"Id": name, "ChassisType": "RackMount", **links}
        for place, resource in more.items():
            pages[f"{CHASSIS}/{name}/{place}"] = resource
    return pages


# A rack server of the older kind: Power with its first control and two supplies.
POWER = {
    "PowerControl": [
        {"MemberId": "0", "Name": "System Input Power", "PowerConsumedWatts": 344.0},
        {"MemberId": "1", "Name": "CPU", "PowerConsumedWatts": 120.0},
    ],
    "PowerSupplies": [
        {"MemberId": "0", "PowerInputWatts": 180.0, "Status": {"State": "Enabled"}},
        {"MemberId": "1", "PowerInputWatts": 176.5, "Status": {"State": "Enabled"}},
        {"MemberId": "2", "Status": {"State": "Absent"}},
    ],
}
# One of the newer kind.
METRICS = {
    "PowerWatts": {"DataSourceUri": f"{CHASSIS}/1U/Sensors/TotalPower", "Reading": 374},
    "EnergykWh": {"DataSourceUri": f"{CHASSIS}/1U/Sensors/TotalEnergy", "Reading": 325675},
}
SUBSYSTEM = {"PowerSupplies": at(f"{CHASSIS}/1U/PowerSubsystem/PowerSupplies")}


def supplies(*inputs: Mapping[str, Any]) -> dict[str, Any]:
    """A chassis whose supplies alone tell what it draws."""
    place = f"{CHASSIS}/1U/PowerSubsystem/PowerSupplies"
    pages = chassis("1U", PowerSubsystem=SUBSYSTEM)
    bays = [f"{place}/Bay{n}" for n in range(1, len(inputs) + 1)]
    pages[place] = {"Members": [at(bay) for bay in bays]}
    for bay, metrics in zip(bays, inputs, strict=True):
        pages[bay] = {"Metrics": at(f"{bay}/Metrics"), "Status": {"State": "Enabled"}}
        pages[f"{bay}/Metrics"] = metrics
    return pages


BAY_1 = {"InputPowerWatts": {"Reading": 120.5}, "EnergykWh": {"Reading": 10.25}}
BAY_2 = {"InputPowerWatts": {"Reading": 119.0}, "EnergykWh": {"Reading": 9.5}}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def serve(authority: trustme.CA, tmp_path: Path) -> Callable[[Answer], Any]:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")

    @contextmanager
    def serving(answer: Answer) -> Iterator[Pages]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(HOST).configure_cert(context)
        with Pages(answer, context) as pages:
            yield pages

    return serving


def reader(
    pages: Pages, folder: Path, profile: str = "redfish", user: str = "", *parts: Part
) -> MeterDriver:
    login = Login(user, secret(folder) if user else None, folder / "ca.pem")
    return catalog.driver_for(
        Meter("server-1", profile, host=HOST, port=pages.port, login=login, parts=parts)
    )


@pytest.mark.parametrize(
    ("pages", "power_w", "energy_kwh"),
    [
        (chassis("1U", Power=POWER), 344.0, None),
        (chassis("1U", Power={**POWER, "PowerControl": []}), 356.5, None),
        (chassis("1U", EnvironmentMetrics=METRICS), 374.0, 325675.0),
        (chassis("1U", EnvironmentMetrics={}, Power=POWER), 344.0, None),
        (
            chassis(
                "1U", EnvironmentMetrics={"EnergykWh": {"Reading": 5, "LifetimeReading": 1234.5}}
            ),
            None,
            1234.5,
        ),
        (supplies(BAY_1, BAY_2), 239.5, 19.75),
        (chassis("1U", "Enclosure") | chassis("1U", Power=POWER), 344.0, None),
    ],
    ids=["power", "input", "metrics", "metrics-empty", "lifetime", "supplies", "one-of-two"],
)
def test_a_chassis_tells_power_and_energy_wherever_they_stand(
    serve: Callable[[Answer], Any],
    tmp_path: Path,
    pages: dict[str, Any],
    power_w: float | None,
    energy_kwh: float | None,
) -> None:
    with serve(site(pages)) as server:
        with closing(reader(server, tmp_path)) as driver:
            shown = {value.name: value.value for value in driver.shown()}
            assert shown == {"power": power_w, "energy": energy_kwh}
            if power_w is not None:
                (reading,) = driver.read()
                assert (reading.power_w, reading.register_uj) == (power_w, None)
        if energy_kwh is not None:
            with closing(reader(server, tmp_path, "redfish-energy")) as driver:
                (reading,) = driver.read()
                (described,) = driver.describe()
            assert reading.register_uj == int(energy_kwh * 10000) * UJ_PER_KWH // 10000
            assert described.count_uj == UJ_PER_KWH


@pytest.mark.parametrize(
    ("pages", "finding"),
    [
        (chassis("1U"), "none of its 1 chassis tells power"),
        (chassis("1U", Power={**POWER, "PowerControl": [{"PowerConsumedWatts": 0}]}), ""),
        (chassis("1U", EnvironmentMetrics={"PowerWatts": {"Reading": None}}), "none of its 1"),
        (chassis("1U", EnvironmentMetrics={"PowerWatts": {"Reading": "374"}}), "none of its 1"),
        (chassis("1U", EnvironmentMetrics={"PowerWatts": {"Reading": -5}}), "none of its 1"),
        (chassis("1U", EnvironmentMetrics={"PowerWatts": {"Reading": True}}), "none of its 1"),
        (chassis("1U", Power={"PowerControl": [{"PowerConsumedWatts": 0}]}), "none of its 1"),
        (supplies(BAY_1, {}), "none of its 1"),
        (chassis("A", "B", Power=POWER), r"several chassis tell their power \(a, b\)"),
        ({}, "status 404, no such page"),
    ],
    ids=["none", "zero-is-input", "null", "text", "negative", "flag", "zero", "half", "two", "404"],
)
def test_nonsense_is_named_and_is_never_0_w(
    serve: Callable[[Answer], Any], tmp_path: Path, pages: dict[str, Any], finding: str
) -> None:
    with serve(site(pages)) as server, closing(reader(server, tmp_path)) as driver:
        if not finding:
            assert driver.read()[0].power_w == 356.5
            return
        with pytest.raises(MeterError, match=rf"^server-1 \(127.0.0.1:\d+\): .*{finding}"):
            driver.read()


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (lambda asked: Said(b"<html>"), "not JSON"),
        (lambda asked: Said(b"[1]"), "no object"),
        (lambda asked: Said(b'{"Members": [NaN]}'), "not JSON"),
        (lambda asked: Said(b"[" * 100_000), "not JSON"),
        (lambda asked: Said(b" " * 1_100_000), "more than 1048576 bytes"),
        (lambda asked: None, "cannot be reached|not HTTP"),
        (lambda asked: Said(b"", 301, {"Location": "https://elsewhere.example"}), "status 301"),
        (lambda asked: Said(b"", 503), "busy; ask it less often"),
    ],
    ids=["web-page", "list", "nan", "deep", "long", "hangs-up", "redirect", "busy"],
)
def test_what_is_no_redfish_is_named(
    serve: Callable[[Answer], Any], tmp_path: Path, answer: Answer, finding: str
) -> None:
    with (
        serve(answer) as server,
        closing(reader(server, tmp_path)) as driver,
        pytest.raises(MeterError, match=rf"^server-1 \(127.0.0.1:\d+\): .*({finding})"),
    ):
        driver.read()


def test_of_an_enclosure_and_its_blades_the_outer_one_counts(
    serve: Callable[[Answer], Any], tmp_path: Path
) -> None:
    pages = chassis("Enclosure", "Blade1", Power=POWER)
    pages[f"{CHASSIS}/Enclosure/Power"] = {"PowerControl": [{"PowerConsumedWatts": 1800}]}
    pages[f"{CHASSIS}/Blade1"]["Links"] = {"ContainedBy": at(f"{CHASSIS}/Enclosure")}
    with serve(site(pages)) as server:
        with closing(reader(server, tmp_path)) as driver:
            assert [r.power_w for r in driver.read()] == [1800]
        named = reader(server, tmp_path, "redfish", "", Part("blade1", rated_w=500))
        with closing(named):
            (reading,) = named.read()
            assert (reading.device, reading.power_w) == ("server-1/blade1", 344)
            assert [d.rated_w for d in named.describe()] == [500]
        with (
            closing(reader(server, tmp_path, "redfish", "", Part("blade9"))) as lost,
            pytest.raises(MeterError, match="no chassis 'blade9'; it has blade1, enclosure"),
        ):
            lost.read()


@contextmanager
def controller(
    serve: Callable[[Answer], Any], *, sessions: bool = True
) -> Iterator[tuple[Pages, set[str]]]:
    """One that asks who reads, and the tokens that it takes."""
    tokens: set[str] = set()
    pages = site(chassis("1U", Power=POWER))
    right = {"UserName": "sobre", "Password": "s3cret"}
    basic = "Basic " + base64.b64encode(b"sobre:s3cret").decode()

    def answer(asked: Question) -> Said:
        if asked.path == SESSIONS:
            if not sessions:
                return Said(b"", 405)
            if json.loads(asked.body) != right:
                return Said(b"", 401)
            tokens.add("t0ken")
            place = f"https://{HOST}{SESSIONS}/7"
            return Said(b"{}", 201, {"X-Auth-Token": "t0ken", "Location": place})
        if asked.method == "DELETE":
            tokens.discard(asked.headers["x-auth-token"])
            return Said(b"", 204)
        by_basic = not sessions and asked.headers.get("authorization") == basic
        if by_basic or asked.headers.get("x-auth-token") in tokens:
            return pages(asked)
        return said({"error": {}}, 401)

    with serve(answer) as server:
        yield server, tokens


def test_a_session_is_kept_renewed_and_given_back(
    serve: Callable[[Answer], Any], tmp_path: Path
) -> None:
    with controller(serve) as (server, tokens):
        with closing(reader(server, tmp_path, "redfish", "sobre")) as driver:
            for _ in range(3):
                assert driver.read()[0].power_w == 344
            logins = [q for q in server.questions if q.path == SESSIONS]
            assert len(logins) == 1
            assert server.connections == 1
            tokens.clear()
            assert driver.read()[0].power_w == 344
            assert len([q for q in server.questions if q.path == SESSIONS]) == 2
        assert not tokens, "the session was given back"


def test_a_controller_without_sessions_is_asked_by_password(
    serve: Callable[[Answer], Any], tmp_path: Path
) -> None:
    with (
        controller(serve, sessions=False) as (server, _),
        closing(reader(server, tmp_path, "redfish", "sobre")) as driver,
    ):
        assert driver.read()[0].power_w == 344


def test_a_wrong_password_is_said_and_never_shown(
    serve: Callable[[Answer], Any], tmp_path: Path
) -> None:
    with controller(serve) as (server, _):
        with closing(reader(server, tmp_path, "redfish", "sobre")) as driver:
            secret(tmp_path, "guess-me")
            with pytest.raises(MeterError, match="401, the user or password") as caught:
                driver.read()
            assert "guess-me" not in str(caught.value)
        with (
            closing(reader(server, tmp_path)) as driver,
            pytest.raises(MeterError, match="see login"),
        ):
            driver.read()


def test_a_certificate_of_a_stranger_is_refused(
    serve: Callable[[Answer], Any], tmp_path: Path
) -> None:
    with serve(site(chassis("1U", Power=POWER))) as server:
        trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
        with (
            closing(reader(server, tmp_path)) as driver,
            pytest.raises(MeterError, match=r"certificate is not trusted .* login.ca_file"),
        ):
            driver.read()
        assert not server.questions


def test_a_controller_that_comes_back_is_looked_at_anew(
    serve: Callable[[Answer], Any], tmp_path: Path
) -> None:
    pages = chassis("1U", Power=POWER)
    down = False
    with (
        serve(lambda asked: Said(b"", 503) if down else site(pages)(asked)) as server,
        closing(reader(server, tmp_path)) as driver,
    ):
        assert driver.read()[0].power_w == 344
        down = True
        with pytest.raises(MeterError):
            driver.read()
        down = False
        del pages[f"{CHASSIS}/1U/Power"]
        pages |= chassis("Self", EnvironmentMetrics=METRICS)
        assert driver.read()[0].power_w == 374


def test_a_server_without_a_host_is_refused() -> None:
    with pytest.raises(ConfigError, match="host is missing"):
        catalog.describe(Meter("s", "redfish", serial_port="x"))


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({"LifetimeReading": 5000, "Reading": 12}, {"Reading": 5000.5}),
        ({"Reading": 12}, {"LifetimeReading": 12.5}),
    ],
    ids=["lifetime-is-gone", "lifetime-comes"],
)
def test_another_register_of_a_chassis_is_no_step_of_the_first(
    before: dict[str, float], now: dict[str, float]
) -> None:
    limits = Limits(1000.0, UJ_PER_KWH)
    state = Register()
    steps: list[Step] = []
    for at_s, figures in enumerate((before, before, now, now)):
        told = decoding.environment({"EnergykWh": figures})
        assert told.energy_kwh is not None
        shown = Shown(at_s * 10.0, int(told.energy_kwh * UJ_PER_KWH), told.counter)
        state, made = settle(state, shown, limits)
        steps += made
    assert [step.verdict for step in steps] == [Verdict.OK, Verdict.REPLACED, Verdict.OK]
    assert sum(step.energy_uj or 0 for step in steps) == 0


def test_a_supply_that_is_pulled_takes_no_energy_with_it() -> None:
    one = decoding.supply({"EnergykWh": {"LifetimeReading": 800}})
    both, alone = decoding.together([one, one]), decoding.together([one])
    assert (both.energy_kwh, alone.energy_kwh) == (1600, 800)
    assert both.counter != alone.counter
