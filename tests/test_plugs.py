"""Plugs over HTTP: a real web server gives the answers that their makers document."""

import hashlib
import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from meters.pages import HOST, Pages, Question, Said, said, site
from meters.secret import secret
from sobre_agent.config import Meter
from sobre_drivers.errors import ConfigError, MeterError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.configured import Login, Part
from sobre_drivers.meters.kind import MeterDriver
from sobre_drivers.sample import Reading

UJ_PER_WH = 3_600_000_000
STATUS_8 = "/cm?cmnd=Status%208"
GEN2 = "/rpc/Switch.GetStatus?id="


def tasmota(**changed: Any) -> dict[str, Any]:
    energy = {
        "TotalStartTime": "2025-01-08T10:12:30",
        "Total": 123.456,
        "Yesterday": 1.2,
        "Today": 0.3,
        "Power": 41,
        "ApparentPower": 60,
        "ReactivePower": 44,
        "Factor": 0.68,
        "Voltage": 231,
        "Current": 0.26,
    }
    return {"StatusSNS": {"Time": "2026-11-24T09:00:00", "ENERGY": energy | changed}}


def gen1(**changed: Any) -> dict[str, Any]:
    meter = {"power": 41.25, "is_valid": True, "timestamp": 1795510800, "total": 600}
    second = {"power": 5.0, "is_valid": True, "total": 61}
    emeters = [{"power": 1500.5, "pf": 0.9, "is_valid": True, "total": 1234.5}, second]
    return {"mac": "AABBCC001122", "meters": [meter | changed, second], "emeters": emeters}


def gen2(number: int = 0, **changed: Any) -> dict[str, Any]:
    energy = {"total": 6.532, "by_minute": [45.199, 47.141, 88.397], "minute_ts": 1795510800}
    status = {"id": number, "output": True, "apower": 8.9, "voltage": 237.5, "aenergy": energy}
    return status | changed


def reader(pages: Pages, profile: str, **more: Any) -> MeterDriver:
    return catalog.driver_for(Meter("plug-1", profile, host=HOST, port=pages.port, **more))


def figures(reading: Reading) -> tuple[float | None, int | None]:
    return reading.power_w, reading.register_uj


@pytest.mark.parametrize(
    ("profile", "pages", "power_w", "register_uj"),
    [
        ("tasmota", {STATUS_8: tasmota()}, 41, 123456 * UJ_PER_WH),
        (
            "tasmota",
            {STATUS_8: tasmota(Power=[10, 31.5], Total=[1.5, 2])},
            41.5,
            3500 * UJ_PER_WH,
        ),
        ("shelly-plug", {"/status": gen1()}, 41.25, 10 * UJ_PER_WH),
        ("shelly-plus-plug", {f"{GEN2}0": gen2()}, 8.9, 6532 * UJ_PER_WH // 1000),
        (
            "shelly-pm-mini",
            {"/rpc/PM1.GetStatus?id=0": gen2()},
            8.9,
            6532 * UJ_PER_WH // 1000,
        ),
    ],
    ids=["tasmota", "tasmota-two-channels", "gen1-watt-minutes", "gen2", "pm-mini"],
)
def test_a_plug_is_read(
    profile: str, pages: dict[str, Any], power_w: float, register_uj: int
) -> None:
    with Pages(site(pages)) as server, closing(reader(server, profile)) as driver:
        for _ in range(2):
            (reading,) = driver.read()
            assert reading.device == "plug-1"
            assert figures(reading) == (power_w, register_uj)
        shown = {value.name: value.value for value in driver.shown()}
        assert shown == {"power": power_w, "energy": register_uj / UJ_PER_WH / 1000}
        assert server.connections == 1
        assert {question.method for question in server.questions} == {"GET"}


def test_several_outlets_of_a_plug_are_devices_of_their_own() -> None:
    pages = {f"{GEN2}{n}": gen2(n, apower=n + 0.5) for n in range(4)}
    with Pages(site(pages)) as server:
        with closing(reader(server, "shelly-pro-4pm", outlets=(2, 4))) as driver:
            powers = {reading.device: reading.power_w for reading in driver.read()}
        assert powers == {"plug-1/outlet-02": 1.5, "plug-1/outlet-04": 3.5}
        part = Part("outlet-01", "printer", 1500)
        with closing(reader(server, "shelly-pro-4pm", parts=(part,))) as driver:
            one, *_ = driver.describe()
            assert (one.device_class, one.rated_w) == ("printer", 1500)
    pages = {"/status": gen1()}
    with Pages(site(pages)) as server:
        with closing(reader(server, "shelly-em")) as driver:
            registers = [reading.register_uj for reading in driver.read()]
        assert registers == [12345 * UJ_PER_WH // 10, 61 * UJ_PER_WH]
        assert len(server.questions) == 1, "one page tells of both"
        with closing(reader(server, "shelly-2.5")) as driver:
            assert [reading.register_uj for reading in driver.read()] == [
                10 * UJ_PER_WH,
                61 * UJ_PER_WH // 60,
            ]


def test_an_outlet_that_cannot_be_told_stops_no_other() -> None:
    status = gen1()
    status["meters"][1] = {"is_valid": False, "power": 0, "total": 0}
    with (
        Pages(site({"/status": status})) as server,
        closing(reader(server, "shelly-2.5")) as driver,
    ):
        one, other = driver.read()
    assert (one.register_uj, one.power_w) == (10 * UJ_PER_WH, 41.25)
    assert (other.register_uj, other.power_w) == (None, None)


NONSENSE: list[tuple[str, dict[str, Any], str]] = [
    ("tasmota", {STATUS_8: {"StatusSNS": {"Time": "x"}}}, "says no ENERGY"),
    ("tasmota", {STATUS_8: {"StatusSNS": "x"}}, "says no ENERGY"),
    ("tasmota", {STATUS_8: tasmota(Power="41", Total=None)}, "says no ENERGY"),
    ("tasmota", {STATUS_8: tasmota(Power=-41, Total=-1)}, "says no ENERGY"),
    ("tasmota", {STATUS_8: tasmota(Power=[1, None], Total=[])}, "says no ENERGY"),
    ("tasmota", {STATUS_8: {"WARNING": "Need user=<username>"}}, "asks who is there"),
    ("tasmota", {}, "404, no such page"),
    ("shelly-plug", {"/status": gen1(is_valid=False)}, "not valid"),
    ("shelly-plug", {"/status": {"relays": []}}, r"has no meters\[0\]"),
    ("shelly-plug", {"/status": gen1(power=None, total=True)}, "neither power nor energy"),
    ("shelly-plus-plug", {f"{GEN2}0": {"id": 0, "output": True}}, "neither power nor energy"),
    ("shelly-plus-plug", {"/status": gen1()}, "404, no such page"),
]


@pytest.mark.parametrize(("profile", "pages", "finding"), NONSENSE)
def test_nonsense_is_named_and_is_never_0_w(
    profile: str, pages: dict[str, Any], finding: str
) -> None:
    with (
        Pages(site(pages)) as server,
        closing(reader(server, profile)) as driver,
        pytest.raises(MeterError, match=rf"^plug-1 \(127.0.0.1:\d+\): .*{finding}"),
    ):
        driver.read()


def test_what_today_says_is_no_register() -> None:
    before, after = tasmota(Today=0.3), tasmota(Today=0.0)
    with Pages(site({STATUS_8: before})) as server, closing(reader(server, "tasmota")) as driver:
        (first,) = driver.read()
        server.answer = site({STATUS_8: after})
        assert list(driver.read()) == [first]
        server.answer = site({STATUS_8: tasmota(Total=0, TotalStartTime="2026-11-24T09:00:00")})
        (reset,) = driver.read()
    assert (reset.serial != first.serial, reset.register_uj) == (True, 0)


@pytest.mark.parametrize(
    ("profile", "count_uj"),
    [
        ("tasmota", UJ_PER_WH),
        # A minute at its greatest power: its register may be that old.
        ("shelly-plug", 3680 * 60 * 1_000_000),
        ("shelly-plus-plug", 3680 * 60 * 1_000_000),
        ("zigbee2mqtt", 3680 * 60 * 1_000_000),
    ],
)
def test_a_step_of_the_register_is_its_resolution_or_its_age(profile: str, count_uj: int) -> None:
    topic = "zigbee2mqtt/x" if profile == "zigbee2mqtt" else ""
    (described,) = catalog.describe(Meter("plug-1", profile, host=HOST, topic=topic))
    assert described.count_uj == count_uj
    (small,) = catalog.describe(Meter("p", "zigbee2mqtt", host=HOST, topic="x/y", rated_w=50))
    assert small.count_uj == 10 * UJ_PER_WH


def test_tasmota_is_told_who_asks(tmp_path: Path) -> None:
    path = "/cm?user=admin&password=a%26b%20c&cmnd=Status%208"
    with Pages(site({path: tasmota()})) as server:
        login = Login("admin", secret(tmp_path, "a&b c"))
        with closing(reader(server, "tasmota", login=login)) as driver:
            assert driver.read()
            server.answer = lambda asked: Said(b"", 500)
            with pytest.raises(MeterError) as caught:
                driver.read()
    assert "a%26b" not in str(caught.value)


def digest(algorithm: str, hashed: Callable[[bytes], Any]) -> Callable[[Question], Said]:
    """A plug that lets in whoever knows the password, by RFC 7616."""

    def answer(asked: Question) -> Said:
        told = dict(re.findall(r'(\w+)="?([^",]+)"?', asked.headers.get("authorization", "")))
        realm, nonce = "shellyplusplugs-aabbcc", "60dc2c69"
        secret = hashed(f"admin:{realm}:s3cret".encode()).hexdigest()
        what = hashed(f"{asked.method}:{asked.path}".encode()).hexdigest()
        parts = (secret, nonce, told.get("nc"), told.get("cnonce"), "auth", what)
        right = hashed(":".join(map(str, parts)).encode()).hexdigest()
        if told.get("response") == right and told.get("uri") == asked.path:
            return said(gen2())
        challenge = f'Digest qop="auth", realm="{realm}", nonce="{nonce}", algorithm={algorithm}'
        return Said(b"", 401, {"WWW-Authenticate": challenge})

    return answer


def basic(asked: Question) -> Said:
    # echo -n admin:s3cret | base64
    if asked.headers.get("authorization") == "Basic YWRtaW46czNjcmV0":
        return said(gen2())
    return Said(b"", 401, {"WWW-Authenticate": 'Basic realm="shelly"'})


@pytest.mark.parametrize(
    "answer",
    [digest("SHA-256", hashlib.sha256), digest("MD5", hashlib.md5), basic],
    ids=["sha-256", "md5", "basic"],
)
def test_a_plug_that_asks_for_a_password_is_told_it(
    tmp_path: Path, answer: Callable[[Question], Said]
) -> None:
    login = Login("admin", secret(tmp_path))
    with Pages(answer) as server:
        with closing(reader(server, "shelly-plus-plug", login=login)) as driver:
            assert driver.read()[0].power_w == 8.9
        secret(tmp_path, "guess-me")
        with closing(reader(server, "shelly-plus-plug", login=login)) as driver:
            with pytest.raises(MeterError, match="401, the user or password") as caught:
                driver.read()
            assert "guess-me" not in str(caught.value)
        with (
            closing(reader(server, "shelly-plus-plug")) as driver,
            pytest.raises(MeterError, match="see login"),
        ):
            driver.read()


@pytest.mark.parametrize(
    "challenge",
    ["", "Negotiate", 'Digest realm="x", nonce="y", algorithm=SHA-512, qop="auth"', "Digest x"],
    ids=["none", "negotiate", "sha-512", "garbled"],
)
def test_a_way_to_ask_that_we_do_not_know_is_a_refusal(tmp_path: Path, challenge: str) -> None:
    login = Login("admin", secret(tmp_path))
    with (
        Pages(lambda asked: Said(b"", 401, {"WWW-Authenticate": challenge})) as server,
        closing(reader(server, "shelly-plus-plug", login=login)) as driver,
        pytest.raises(MeterError, match="401"),
    ):
        driver.read()


@pytest.mark.parametrize(
    ("settings", "finding"),
    [
        ({"profile": "tasmota", "topic": "tele/x/SENSOR"}, "is asked at its host"),
        ({"profile": "tasmota-mqtt", "host": HOST}, "publishes by itself; name its topic"),
        ({"profile": "zigbee2mqtt", "topic": "zigbee2mqtt/x"}, "and its broker as host"),
        ({"profile": "zigbee2mqtt", "topic": "zigbee2mqtt/#", "host": HOST}, "without # and"),
        ({"profile": "zigbee2mqtt", "topic": "/ ", "host": HOST}, "without # and"),
        ({"profile": "shelly-plug", "host": HOST, "outlets": (1,)}, "this model has 1"),
        ({"profile": "shelly-pro-4pm", "host": HOST, "outlets": (5,)}, "this model has 4"),
    ],
    ids=["both", "no-topic", "no-broker", "wildcard", "blank", "one-outlet", "outlet-5"],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, Any], finding: str) -> None:
    with pytest.raises(ConfigError, match=f"^plug-1: .*{finding}"):
        catalog.describe(Meter("plug-1", **settings))


@pytest.mark.parametrize(
    ("profile", "topic"),
    [("tasmota", ""), ("shelly-plug", ""), ("zigbee2mqtt", "a/b"), ("redfish", ""), ("dcmi", "")],
)
def test_the_files_of_a_login_are_looked_at_before_anything_is_asked(
    tmp_path: Path, profile: str, topic: str
) -> None:
    password, gone = secret(tmp_path), tmp_path / "gone"

    def described(login: Login) -> None:
        catalog.describe(Meter("m", profile, host=HOST, topic=topic, login=login))

    described(Login("admin", password))
    with pytest.raises(ConfigError, match=r"^m: login.password_file .*gone cannot be read \(No"):
        described(Login("admin", gone))
    with pytest.raises(ConfigError, match=r"^m: login.ca_file .*gone cannot be read"):
        described(Login("admin", password, gone))
    password.chmod(0o640)
    with pytest.raises(ConfigError, match="can be read by others; chmod 600"):
        described(Login("admin", password))
