"""SNMP versions 1, 2c and 3 against real agents, and what goes wrong on the way."""

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from snmp.agents import HOST, PHRASE, PRIVATE, USER, Agents, recording
from snmp.relay import Relay
from snmp.tiny import Tiny
from sobre_agent.config import Meter
from sobre_drivers.errors import ConfigError, MeterError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.configured import SnmpAccess
from sobre_drivers.meters.kind import Lines
from sobre_drivers.meters.snmp.access import Credentials, credentials
from sobre_drivers.meters.snmp.exchange import Exchange
from sobre_drivers.meters.snmp.session import Session

POWER = "1.3.6.1.4.1.21239.5.2.3.1.1.9.1"
ENERGY = "1.3.6.1.4.1.21239.5.2.3.1.1.12.1"
OUTLET = "1.3.6.1.4.1.21239.5.2.3.6.1.12"
PDU = recording(
    {POWER: ("66", 1017), ENERGY: ("66", 5000)} | {f"{OUTLET}.{n}": ("66", n) for n in range(1, 41)}
)


@pytest.fixture(scope="module")
def agents() -> Iterator[Agents]:
    with Agents({"public": PDU, "secret": PDU, "cabinet": PDU}) as made:
        yield made


def secret(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text + "\n", encoding="utf-8")
    file.chmod(0o600)
    return file


def pdu(port: int, **more: Any) -> Meter:
    known: dict[str, Any] = {"device": "pdu", "profile": "vertiv-geist", "host": HOST}
    return Meter(port=port, **known | more)


def shows(meter: Meter) -> float | None:
    driver = catalog.driver_for(meter)
    try:
        return driver.read()[0].power_w
    finally:
        driver.close()


@pytest.mark.parametrize("version", ["1", "2c"])
def test_a_community_reads_what_it_may(agents: Agents, tmp_path: Path, version: Any) -> None:
    file = secret(tmp_path, "community", "secret")
    assert shows(pdu(agents.port, snmp=SnmpAccess(version, file))) == 1017


def test_without_a_file_the_community_is_public(agents: Agents) -> None:
    assert shows(pdu(agents.port)) == 1017


@pytest.mark.parametrize(
    ("served", "authentication", "privacy"),
    [
        (("NONE", "NONE"), "none", "none"),
        (("MD5", "NONE"), "md5", "none"),
        (("SHA", "AES"), "sha", "aes"),
        (("SHA256", "AES256"), "sha256", "aes256"),
        (("SHA512", "DES"), "sha512", "des"),
    ],
    ids=["noAuthNoPriv", "authNoPriv-md5", "authPriv-sha-aes", "sha256-aes256", "sha512-des"],
)
def test_version_3_reads_at_each_level(
    tmp_path: Path, served: tuple[str, str], authentication: Any, privacy: Any
) -> None:
    access = SnmpAccess(
        "3",
        user=USER,
        authentication=authentication,
        authentication_file=None
        if authentication == "none"
        else secret(tmp_path, "authentication", PHRASE),
        privacy=privacy,
        privacy_file=None if privacy == "none" else secret(tmp_path, "privacy", PRIVATE),
        context="cabinet",
    )
    with Agents({"cabinet": PDU}, v3=served) as agents:
        assert shows(pdu(agents.port, snmp=access)) == 1017


@pytest.mark.parametrize(
    ("user", "phrase", "privacy", "finding"),
    [
        (USER, "another phrase", PRIVATE, r"phrase of authentication is wrong; check authentic"),
        ("somebody", PHRASE, PRIVATE, r"does not know this user; check snmp\.user"),
        # Nobody can tell what was asked: agents stay silent, or say that they cannot decipher.
        (USER, PHRASE, "another phrase", r"check"),
    ],
    ids=["authentication", "user", "privacy"],
)
def test_a_refusal_names_what_to_check_and_no_secret(
    agents: Agents, tmp_path: Path, user: str, phrase: str, privacy: str, finding: str
) -> None:
    access = SnmpAccess(
        "3",
        user=user,
        authentication="sha",
        authentication_file=secret(tmp_path, "a", phrase),
        privacy="aes",
        privacy_file=secret(tmp_path, "p", privacy),
        context="cabinet",
    )
    with pytest.raises(MeterError, match=finding) as refused:
        shows(pdu(agents.port, snmp=access, timeout_s=1))
    assert phrase not in str(refused.value)
    assert privacy not in str(refused.value)


def test_secrets_are_in_no_log_and_no_text(
    agents: Agents, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shows(pdu(agents.port, snmp=SnmpAccess("2c", secret(tmp_path, "c", "secret"))))
    with pytest.raises(MeterError) as refused:
        shows(
            pdu(agents.port, snmp=SnmpAccess("2c", secret(tmp_path, "d", "hush-hush")), timeout_s=1)
        )
    who = Credentials("3", "hush-hush", USER, "sha", "hush-hush", "aes", "hush-hush")
    for text in (caplog.text, str(refused.value), repr(who)):
        assert "secret" not in text
        assert "hush" not in text


@pytest.mark.parametrize(
    ("mode", "text", "finding"),
    [
        (0o644, "secret", r"pdu: community_file .* can be read by others; chmod 600"),
        (0o600, "", r"pdu: community_file .* is empty"),
    ],
)
def test_a_community_file_is_looked_at_before_anything_is_asked(
    tmp_path: Path, mode: int, text: str, finding: str
) -> None:
    file = secret(tmp_path, "community", text)
    file.chmod(mode)
    with pytest.raises(ConfigError, match=finding):
        catalog.describe(pdu(1, snmp=SnmpAccess("2c", file)))
    with pytest.raises(ConfigError, match=r"cannot be read \(No such file"):
        catalog.describe(pdu(1, snmp=SnmpAccess("2c", tmp_path / "missing")))


def test_a_short_phrase_is_refused(tmp_path: Path) -> None:
    access = SnmpAccess(
        "3", user=USER, authentication="sha", authentication_file=secret(tmp_path, "a", "short")
    )
    with pytest.raises(ConfigError, match=r"holds less than 8 characters"):
        credentials("pdu", access)


def test_what_an_agent_has_is_asked_in_few_questions(agents: Agents) -> None:
    with Relay(agents.port) as relay:
        driver = catalog.driver_for(pdu(relay.port))
        assert len(driver.read()) == 41
        first = relay.asked
        driver.read()
        # 42 objects, 32 to a question.
        assert relay.asked - first == 2
        driver.close()


def test_a_long_table_is_walked_in_few_questions(agents: Agents) -> None:
    with Relay(agents.port) as relay:
        session = Session(Exchange(), HOST, relay.port, Credentials("2c", "public"), 10)
        assert session.walk(OUTLET) == [(str(n), n) for n in range(1, 41)]
        assert relay.asked == 2
        session.close()


def test_an_agent_that_goes_round_in_circles_ends_the_walk() -> None:
    objects = {f"{OUTLET}.{n}": n for n in range(1, 21)}
    with Tiny(objects, circles=True) as tiny:
        session = Session(Exchange(), HOST, tiny.port, Credentials("2c", "public"), 1, retries=0)
        assert session.walk(OUTLET) == [(str(n), n) for n in range(1, 11)]
        assert len(tiny.asked) == 2
        session.close()


def test_version_1_leaves_out_what_the_agent_lacks(agents: Agents) -> None:
    session = Session(Exchange(), HOST, agents.port, Credentials("1", "public"), 10)
    missing = f"{OUTLET}.99"
    assert session.get([POWER, missing, ENERGY]) == {POWER: 1017, ENERGY: 5000}
    assert len(session.walk(OUTLET)) == 40
    session.close()


def test_an_agent_that_says_too_big_is_asked_for_half() -> None:
    objects = {f"{OUTLET}.{n}": n for n in range(1, 31)}
    with Tiny(objects, most=10) as tiny:
        session = Session(Exchange(), HOST, tiny.port, Credentials("2c", "public"), 10)
        assert session.get(list(objects)) == objects
        assert max(tiny.asked[2:]) <= 10
        again = len(tiny.asked)
        session.get(list(objects))
        assert tiny.asked[again:] == [7, 7, 7, 7, 2], "it is remembered"
        session.close()


@pytest.mark.parametrize(
    "wrap",
    [lambda answer: b"\x00" * 40, lambda answer: answer[: len(answer) // 2], lambda _: b""],
    ids=["zeros", "half", "nothing"],
)
def test_nonsense_is_no_answer(wrap: Any) -> None:
    with Tiny({POWER: 1}, wrap=wrap) as tiny:
        session = Session(Exchange(), HOST, tiny.port, Credentials("2c", "public"), 0.5, retries=0)
        with pytest.raises(MeterError, match=r"no answer within 0\.5 s"):
            session.get([POWER])
        session.close()


def test_a_host_that_does_not_exist_is_named() -> None:
    session = Session(Exchange(), "127.0.0.256", 161, Credentials("2c", "public"), 0.5)
    with pytest.raises(MeterError, match=r"cannot be asked"):
        session.get([POWER])
    session.close()


def test_a_target_that_hangs_delays_only_itself(agents: Agents) -> None:
    """R19: the others are read while one waits for its answer; it is named."""
    lines: Lines = {}
    with Relay(agents.port) as relay:
        relay.deaf = True
        hangs = catalog.driver_for(pdu(relay.port, device="hangs", timeout_s=1.5), lines=lines)
        others = [
            catalog.driver_for(pdu(agents.port, device=f"pdu-{n}"), lines=lines) for n in range(3)
        ]
        said: list[str] = []

        def wait() -> None:
            try:
                hangs.read()
            except MeterError as error:
                said.append(str(error))

        waits = threading.Thread(target=wait)
        waits.start()
        until = time.monotonic() + 30
        while relay.asked == 0:
            assert time.monotonic() < until
            time.sleep(0.01)
        rounds = 0
        while waits.is_alive():
            for other in others:
                assert other.read()[0].power_w == 1017
            rounds += 1
        waits.join()
        assert rounds > 3, "the others went on while it hung"
        assert said[0].startswith(f"hangs ({HOST}:{relay.port}): no answer within 3 s")
        for driver in (hangs, *others):
            driver.close()


def test_an_agent_that_was_away_is_read_again(agents: Agents) -> None:
    with Relay(agents.port) as relay:
        driver = catalog.driver_for(pdu(relay.port, timeout_s=0.3))
        assert driver.read()[0].power_w == 1017
        relay.deaf = True
        with pytest.raises(MeterError, match="no answer"):
            driver.read()
        relay.deaf = False
        assert driver.read()[0].power_w == 1017
        driver.close()


def test_a_sum_lacks_nothing_that_the_agent_has() -> None:
    """One phase that is not said makes the sum unknown, never smaller (R23)."""
    phases = {f"1.3.6.1.4.1.318.1.1.30.4.2.1.6.{n}": 100 for n in (1, 2, 3)}
    with Tiny(phases) as tiny:
        driver = catalog.driver_for(pdu(tiny.port, profile="apc-easy-pdu"))
        assert driver.read()[0].power_w == 300
        lost: dict[str, int | str] = dict(list(phases.items())[:2])
        tiny.objects = lost
        assert driver.read()[0].power_w is None
        # From then on it has two phases, like another PDU that has no third.
        assert driver.read()[0].power_w == 200
        driver.close()


def test_closing_ends_the_thread_behind_it(agents: Agents) -> None:
    before = threading.active_count()
    lines: Lines = {}
    drivers = [catalog.driver_for(pdu(agents.port, device=f"pdu-{n}"), lines=lines) for n in (1, 2)]
    for driver in drivers:
        driver.read()
    drivers[0].close()
    assert threading.active_count() > before
    drivers[1].read()
    drivers[1].close()
    assert threading.active_count() == before
    # It may be asked again.
    assert drivers[0].read()
    drivers[0].close()
