"""A PC's name: the same at each start, and nobody's without the key."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from sobre_agent import identity
from sobre_drivers.errors import ConfigError
from sobre_drivers.load import DEVICE, NODE

KEY = bytes(range(32))
MACHINE = "0123456789abcdef0123456789abcdef"
UUID = "4c4c4544-0042-3510-8052-b4c04f4d3432"


def test_the_name_is_the_keyed_hash_of_the_machine() -> None:
    # By: printf %s MACHINE | openssl dgst -sha256 -mac HMAC -macopt hexkey:KEY
    assert identity.node_name(KEY, MACHINE) == "pc-66fc66f2575a06af"


def test_the_name_is_a_node_and_a_device_and_shows_nothing_of_the_machine() -> None:
    name = identity.node_name(KEY, MACHINE)
    assert NODE.fullmatch(name)
    assert DEVICE.fullmatch(name)
    assert MACHINE[:8] not in name


def test_another_machine_or_another_key_has_another_name() -> None:
    names = {
        identity.node_name(key, machine)
        for key in (KEY, KEY[::-1])
        for machine in (MACHINE, MACHINE[::-1])
    }
    assert len(names) == 4


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"], ids=["none", "lf", "crlf"])
def test_a_line_end_is_no_part_of_the_key(tmp_path: Path, end: bytes) -> None:
    path = tmp_path / "organisation.key"
    path.write_bytes(KEY + end)
    assert identity.read_key(path) == KEY


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "0 bytes"),
        (KEY[:31], "31 bytes.*openssl rand"),
        (KEY[:31] + b"\n\n", "31 bytes"),
        (b"\x00" * 64, "random"),
        (b"changeme" * 8 + b"", "random"),
        (b"x" + bytes(range(250)) * 20, "more than"),
    ],
    ids=["empty", "short", "short-with-line-ends", "zeros", "a-word-repeated", "some-other-file"],
)
def test_a_weak_key_is_refused_with_what_to_do(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path = tmp_path / "organisation.key"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=problem) as caught:
        identity.read_key(path)
    assert str(path) in str(caught.value)
    assert "changeme" not in str(caught.value)


def test_a_missing_key_is_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.key: .*cannot be read"):
        identity.read_key(tmp_path / "none.key")


@pytest.mark.parametrize(
    ("files", "machine"),
    [
        ({"etc/machine-id": MACHINE + "\n"}, MACHINE),
        ({"etc/machine-id": MACHINE.upper()}, MACHINE),
        ({"var/lib/dbus/machine-id": MACHINE + "\n"}, MACHINE),
        ({"etc/machine-id": "\n", "var/lib/dbus/machine-id": MACHINE}, MACHINE),
        ({}, None),
        ({"etc/machine-id": ""}, None),
        ({"etc/machine-id": "uninitialized\n"}, None),
        ({"etc/machine-id": "0" * 32}, None),
        ({"etc/machine-id": MACHINE[:31]}, None),
    ],
    ids=[
        "usual",
        "capitals",
        "only-dbus",
        "empty-then-dbus",
        "none",
        "empty",
        "first-boot",
        "zeros",
        "cut-off",
    ],
)
def test_linux_tells_its_machine_id(
    tmp_path: Path, files: dict[str, str], machine: str | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    if machine is not None:
        assert identity.machine_id("linux", tmp_path) == machine
        return
    with pytest.raises(ConfigError, match="systemd-machine-id-setup"):
        identity.machine_id("linux", tmp_path)


class FakeKey:
    """An open key of a registry."""

    def __enter__(self) -> "FakeKey":
        return self

    def __exit__(self, *_: object) -> None:
        return None


def fake_registry(guid: str | None) -> ModuleType:
    """Enough of `winreg` for one value. It stands in for Windows, on which this has not run."""
    registry = ModuleType("winreg")

    def open_key(hive: str, path: str, reserved: int, access: int) -> FakeKey:
        assert (hive, path, reserved) == ("HKLM", r"SOFTWARE\Microsoft\Cryptography", 0)
        assert access == 0x20019 | 0x0100
        if guid is None:
            raise FileNotFoundError(2, "The system cannot find the file specified")
        return FakeKey()

    registry.__dict__.update(
        HKEY_LOCAL_MACHINE="HKLM",
        KEY_READ=0x20019,
        KEY_WOW64_64KEY=0x0100,
        OpenKey=open_key,
        QueryValueEx=lambda _key, name: ({"MachineGuid": guid}[name], 1),
    )
    return registry


def test_windows_tells_its_machine_guid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "winreg", fake_registry(UUID.upper()))
    assert identity.machine_id("win32") == UUID


def test_windows_without_a_guid_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "winreg", fake_registry(None))
    with pytest.raises(ConfigError, match="MachineGuid"):
        identity.machine_id("win32")


@pytest.mark.parametrize(
    ("output", "machine"),
    [
        (
            f'  |   "IOPlatformSerialNumber" = "C02"\n  |   "IOPlatformUUID" = "{UUID.upper()}"',
            UUID,
        ),
        ("", None),
        ('"IOPlatformUUID" = "x"', None),
    ],
    ids=["usual", "ioreg-failed", "absurd"],
)
def test_macos_tells_its_platform_uuid(output: str, machine: str | None) -> None:
    # The text is made after Apple's documentation; this has not run on a Mac.
    if machine is not None:
        assert identity.machine_id("darwin", run=lambda _: output) == machine
        return
    with pytest.raises(ConfigError, match="IOPlatformUUID"):
        identity.machine_id("darwin", run=lambda _: output)


def test_a_program_that_is_not_there_tells_nothing() -> None:
    if Path("/usr/sbin/ioreg").exists():
        assert identity.machine_id("darwin")
        return
    with pytest.raises(ConfigError, match="IOPlatformUUID"):
        identity.machine_id("darwin")
