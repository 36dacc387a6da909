"""deploy/ beside the programs that read it: systemd's own checker, and our own command line."""

import os
import re
import shlex
import shutil
import stat
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import sobre_agent.cli
import sobre_collector.cli
from services import unpacked
from sobre_collector.config import load_config

PROJECT = Path(__file__).parents[1]
DEPLOY = PROJECT / "deploy"
UNITS = sorted(path.name for path in (DEPLOY / "systemd").glob("*.service"))
COMPOSE = yaml.safe_load((DEPLOY / "container" / "compose.yaml").read_text())
PARSERS = {"sobre-agent": sobre_agent.cli.parser, "sobre": sobre_collector.cli.parser}


def systemd(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = unpacked.program("systemd", name)
    if program is None:
        pytest.skip("no systemd: `python3 tests/services/fetch.py systemd` says why")
    return subprocess.run(
        [program.path, *arguments],
        env=program.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A root folder in which our files stand where their first lines say, among systemd's own."""
    root = tmp_path / "root"
    units = root / "etc" / "systemd" / "system"
    units.mkdir(parents=True)
    for name in UNITS:
        shutil.copy(DEPLOY / "systemd" / name, units)
    shutil.copytree(DEPLOY / "mosquitto" / "mosquitto.service.d", units / "mosquitto.service.d")
    for source, target in {
        "sobre.sysusers.conf": "usr/lib/sysusers.d/sobre.conf",
        "sobre.tmpfiles.conf": "usr/lib/tmpfiles.d/sobre.conf",
        "sobre-rapl.tmpfiles.conf": "etc/tmpfiles.d/sobre-rapl.conf",
    }.items():
        (root / target).parent.mkdir(parents=True, exist_ok=True)
        text = (DEPLOY / "systemd" / source).read_text()
        assert source == "sobre-rapl.tmpfiles.conf" or f"/{target}" in text
        # Only root may give files away: for others, what stays to be tested is the mode.
        owned = (
            text
            if os.geteuid() == 0
            else re.sub(r"root (root|sobre-agent)$", "- -", text, flags=re.M)
        )
        (root / target).write_text(owned)
    for service in ("systemd", "mosquitto"):
        theirs = unpacked.services()[service].root / "lib" / "systemd" / "system"
        if theirs.exists():
            shutil.copytree(
                theirs, root / "usr/lib/systemd/system", symlinks=True, dirs_exist_ok=True
            )
    for command in ("usr/bin/sobre-agent", "usr/bin/sobre", "usr/sbin/mosquitto", "bin/mkdir"):
        (root / command).parent.mkdir(parents=True, exist_ok=True)
        (root / command).touch(0o755)
    for command in ("chown", "kill"):
        (root / "bin" / command).touch(0o755)
    return root


@pytest.mark.parametrize("unit", [*UNITS, "mosquitto.service"])
def test_systemd_finds_nothing_to_say_about_a_unit(installed: Path, unit: str) -> None:
    found = systemd("systemd-analyze", "verify", f"--root={installed}", "--man=no", unit)
    # What it does not know it only mentions, and returns 0.
    assert (found.returncode, found.stderr) == (0, "")


def test_systemd_would_name_a_setting_that_it_does_not_know(installed: Path) -> None:
    unit = installed / "etc" / "systemd" / "system" / "sobre-agent.service"
    unit.write_text(unit.read_text().replace("MemoryMax=", "MemoryMaximum="))
    found = systemd("systemd-analyze", "verify", f"--root={installed}", "--man=no", unit.name)
    assert "MemoryMaximum" in found.stderr


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_exposes_little(installed: Path, unit: str) -> None:
    found = systemd(
        "systemd-analyze",
        "security",
        "--offline=yes",
        "--threshold=20",
        f"--root={installed}",
        unit,
    )
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("unit", UNITS)
def test_a_wrong_configuration_is_not_tried_again(unit: str) -> None:
    assert "\nRestartPreventExitStatus=2\n" in (DEPLOY / "systemd" / unit).read_text()


def test_accounts_of_the_units_are_made(installed: Path) -> None:
    assert systemd("systemd-sysusers", f"--root={installed}").returncode == 0
    made = {line.split(":")[0] for line in (installed / "etc" / "passwd").read_text().splitlines()}
    wanted = {
        user
        for unit in UNITS
        for user in re.findall(r"^User=(.+)$", (DEPLOY / "systemd" / unit).read_text(), re.M)
    }
    assert wanted
    assert wanted <= made


def test_energy_counters_are_read_by_the_agents_group_alone(installed: Path) -> None:
    assert systemd("systemd-sysusers", f"--root={installed}").returncode == 0
    # The real tree's shape: a package, and a part of it, reached through no link.
    powercap = installed / "sys/devices/virtual/powercap"
    counters = [
        powercap / kind / f"{kind}:0" / part / "energy_uj"
        for kind in ("intel-rapl", "intel-rapl-mmio")
        for part in ("", f"{kind}:0:0")
    ]
    for counter in counters:
        counter.parent.mkdir(parents=True, exist_ok=True)
        counter.touch(0o400)
        counter.with_name("name").touch(0o444)
    made = systemd("systemd-tmpfiles", "--create", f"--root={installed}", "sobre-rapl.conf")
    assert (made.returncode, made.stderr) == (0, "")
    groups = dict(
        (line.split(":")[0], int(line.split(":")[2]))
        for line in (installed / "etc" / "group").read_text().splitlines()
    )
    for counter in counters:
        assert stat.S_IMODE(counter.stat().st_mode) == 0o440
        if os.geteuid() == 0:
            assert counter.stat().st_gid == groups["sobre-agent"]


def test_secrets_are_in_folders_that_only_root_opens(installed: Path) -> None:
    made = systemd("systemd-tmpfiles", "--create", f"--root={installed}", "sobre.conf")
    assert (made.returncode, made.stderr) == (0, "")
    for unit in UNITS:
        text = (DEPLOY / "systemd" / unit).read_text()
        for folder in re.findall(r"^LoadCredential=secret:/(.+)$", text, re.M):
            assert stat.S_IMODE((installed / folder).stat().st_mode) == 0o700


def started() -> dict[str, list[str]]:
    """The command line that each unit and container starts."""
    lines = {
        unit: shlex.split(found)
        for unit in UNITS
        for found in re.findall(
            r"^ExecStart=/usr/bin/(.+)$", (DEPLOY / "systemd" / unit).read_text(), re.M
        )
    }
    containerfile = (DEPLOY / "container" / "Containerfile").read_text()
    entry = re.findall(r'^ENTRYPOINT \["(\w+)"\]$', containerfile, re.M)
    default = re.findall(r"^CMD (\[.+\])$", containerfile, re.M)
    lines["Containerfile"] = entry + yaml.safe_load(default[0])
    for name, service in COMPOSE["services"].items():
        if service["image"] == "sobre":
            lines[name] = entry + service["command"]
    return lines


STARTED = started()


def test_each_unit_and_container_starts_something() -> None:
    assert set(STARTED) == {*UNITS, "Containerfile", "collector", "page"}


@pytest.mark.parametrize("words", STARTED.values(), ids=STARTED.keys())
def test_what_is_started_is_a_command_with_its_options(words: list[str]) -> None:
    program, command, *_ = words
    scripts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["scripts"]
    assert program in scripts
    assert PARSERS[program](command).parse_args(words[1:]).command == command


def bound(service: dict[str, Any]) -> dict[str, Path]:
    """The files of ours that a container sees, by the path at which it sees them."""
    pairs = [volume.split(":")[:2] for volume in service["volumes"]]
    return {there: DEPLOY / "container" / here for here, there in pairs if here.startswith(".")}


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_a_container_has_no_rights_that_it_does_not_need(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["user"].split(":")[0]) > 0
    assert all(volume.endswith(":ro") for volume in service["volumes"] if volume.startswith("."))


def test_only_the_broker_is_reached_from_outside() -> None:
    ports = {name: service.get("ports", []) for name, service in COMPOSE["services"].items()}
    assert ports == {"mosquitto": ["8883:8883"], "collector": [], "page": ["127.0.0.1:8787:8787"]}


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_files_that_a_container_sees_exist(name: str) -> None:
    service = COMPOSE["services"][name]
    for path in bound(service).values():
        # Certificates are the site's own.
        assert path.exists() or path.parent.name == "tls", path
    if "build" in service:
        assert (DEPLOY / "container" / service["build"]["context"]).resolve() == PROJECT
        assert (PROJECT / service["build"]["dockerfile"]).is_file()


def test_files_that_the_image_is_built_from_exist() -> None:
    text = (DEPLOY / "container" / "Containerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.M)
    assert copied
    for name in " ".join(copied).split():
        assert (PROJECT / name).exists(), name
    extras = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    asked = re.findall(r"'\.\[(.+)\]'", text)
    assert set(asked[0].split(",")) <= set(extras)


def test_the_containers_collector_finds_broker_and_files() -> None:
    service = COMPOSE["services"]["collector"]
    seen = bound(service)
    config = load_config(seen["/etc/sobre/collector.toml"], {})
    assert config.mqtt.secure
    assert config.mqtt.host in COMPOSE["services"]
    for path in (config.mqtt.ca_file, config.mqtt.certificate_file, config.mqtt.key_file):
        assert str(path) in seen
    assert f"store:{config.data}" in service["volumes"]


def test_the_containers_broker_sees_all_that_its_configuration_names() -> None:
    seen = bound(COMPOSE["services"]["mosquitto"])
    main, ours = (
        seen[f"/etc/mosquitto/{name}"].read_text()
        for name in ("mosquitto.conf", "conf.d/sobre.conf")
    )
    assert "\ninclude_dir /etc/mosquitto/conf.d\n" in main
    named = re.findall(r"^\w+ (/etc/mosquitto/sobre/\S+)$", ours, re.M)
    assert named
    assert set(named) <= set(seen)
