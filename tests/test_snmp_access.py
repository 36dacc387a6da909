"""Who may read: communities, users with and without phrases, and secrets that stay secret."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from snmp.agents import HOST, PHRASE, PRIVATE, USER, Agents, recording
from sobre_agent.config import Meter
from sobre_drivers.errors import ConfigError, MeterError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.configured import SnmpAccess
from sobre_drivers.meters.kind import Lines
from sobre_drivers.meters.snmp.access import Credentials, credentials

PDU = recording({"1.3.6.1.4.1.21239.5.2.3.1.1.9.1": ("66", 1017)})


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


def test_a_user_name_may_be_another_user_elsewhere(agents: Agents, tmp_path: Path) -> None:
    """The same name, with other phrases, at two agents that one reader asks at a time."""
    lines: Lines = {}
    with Agents({"cabinet": PDU}, v3=("SHA256", "AES256")) as others:
        drivers = [
            catalog.driver_for(
                pdu(
                    port,
                    device=f"pdu-{authentication}",
                    snmp=SnmpAccess(
                        "3",
                        user=USER,
                        authentication=authentication,
                        authentication_file=secret(tmp_path, "a", PHRASE),
                        privacy=privacy,
                        privacy_file=secret(tmp_path, "p", PRIVATE),
                        context="cabinet",
                    ),
                ),
                lines=lines,
            )
            for port, authentication, privacy in ways(agents.port, others.port)
        ]
        with ThreadPoolExecutor(2) as both:
            for _ in range(5):
                found = both.map(lambda driver: driver.read()[0].power_w, drivers)
                assert list(found) == [1017, 1017]
        for driver in drivers:
            driver.close()


def ways(first: int, second: int) -> list[tuple[int, Any, Any]]:
    return [(first, "sha", "aes"), (second, "sha256", "aes256")]


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
