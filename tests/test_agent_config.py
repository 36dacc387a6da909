"""What may stand in an agent's configuration, and what is refused, with which words."""

import re
from dataclasses import fields, is_dataclass
from itertools import pairwise
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from sobre_agent import config
from sobre_agent.config import AgentConfig, loopback
from sobre_drivers.errors import ConfigError

CONFIG = Path(__file__).parent.parent / "config"
EXAMPLES = ("agent.example.toml", "reader.example.toml")
PC = 'organisation = "ville"\nsite = "mairie"\nnode = "pc-1"\n'
METER = '[[meters]]\ndevice = "pdu-a3"\nprofile = "x"\nhost = "127.0.0.1"\n'
READER = "[host]\nenabled = false\n" + METER


def keys(kind: type) -> set[str]:
    found: set[str] = set()
    hints = get_type_hints(kind)
    for field in fields(kind):
        hint = next((h for h in (hints[field.name], *get_args(hints[field.name])) if kin(h)), None)
        found |= {f"{field.name}.{key}" for key in keys(hint)} if hint else {field.name}
    return found


def kin(hint: object) -> bool:
    return isinstance(hint, type) and is_dataclass(hint)


def shown(text: str) -> set[str]:
    table, found = "", set()
    for line in text.splitlines():
        if header := re.match(r"\[+([a-z_.]+)\]+", line):
            table = header[1] + "."
        elif key := re.match(r"(?:# )?([a-z_]+) = ", line):
            found.add(table + key[1])
    return found


def written(folder: Path, text: str) -> Path:
    path = folder / "agent.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_is_accepted(name: str) -> None:
    assert config.load(CONFIG / name).organisation == "ville"


def test_each_key_stands_in_an_example_and_the_reverse() -> None:
    assert set().union(*(shown((CONFIG / name).read_text()) for name in EXAMPLES)) == keys(
        AgentConfig
    )


def test_each_key_of_an_example_is_explained() -> None:
    for name in EXAMPLES:
        lines = (CONFIG / name).read_text().splitlines()
        tables = {line for line in lines if line.startswith("[")}
        assert len(tables) > 1, name
    lines = (CONFIG / EXAMPLES[0]).read_text().splitlines()
    for before, line in pairwise(lines):
        if re.match(r"(# )?[a-z_]+ = ", line):
            assert before.startswith("#") or " = " in before, line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[mqtt]\nprot = 1883\n", "unknown key 'mqtt.prot'; did you mean 'port'?"),
        ("[mqtt]\nport = 70000\n", "mqtt.port: 70000 is no TCP port"),
        ('[mqtt]\ncertificate_file = "/a"\ntls = "on"\n', "key_file go together"),
        ('[mqtt]\nca_file = "/a"\n', "mqtt.tls: off, yet ca_file"),
        ("[spool]\nmax_mib = 0\n", "spool.max_mib"),
        ('[delivery]\npace = "weekly"\n', "choose one of 'daily', 'hourly', 'as-closed'"),
        ("[delivery]\nretry_max_s = 1\n", "delivery.retry_max_s"),
        ("[host]\nsample_s = 0\n", "host.sample_s"),
        ('[host]\ndevice_class = "laptop"\n', "choose one of auto, workstation.laptop"),
        ("[working_hours]\nstart_h = 20\nend_h = 7\n", "start_h comes before end_h"),
        ("[working_hours]\ndays = [0]\n", "working_hours.days"),
        ("[host]\nenabled = false\n", "nothing to measure"),
        (READER + 'sample_s = "10"\n', "a finite number is needed"),
        (READER + '[[meters.parts]]\nname = "o"\nrated_w = 0\n', "parts[0].rated_w: more"),
        (READER.replace("pdu-a3", "PDU A3"), "meters[0].device: 'PDU A3'"),
        (READER.replace("pdu-a3", "pc-1"), "is this node's own name"),
        (READER + METER, "device ['pdu-a3'] twice"),
    ],
    ids=lambda value: value[:40].replace("\n", " ") if isinstance(value, str) else "",
)
def test_mistake_is_named_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(written(tmp_path, PC + text))
    assert said in str(caught.value)
    assert "agent.toml: " in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('organisation = "v"\nsite = "m"\n', "node: empty; name the node"),
        ('organisation = "v"\nsite = "m"\nnode = "PC 1"\n', "node: 'PC 1'"),
        ('organisation = ""\nsite = "m"\nnode = "pc-1"\n', "organisation: ''"),
        ('site = "m"\nnode = "pc-1"\n', "'organisation' is missing"),
        (PC + 'timezone = "Europe/Bordeaux"\n', "is not an IANA name"),
    ],
    ids=["no-name", "bad-name", "empty", "missing", "zone"],
)
def test_node_and_place_are_needed(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        config.load(written(tmp_path, text))


@pytest.mark.parametrize(
    ("mqtt", "encrypted", "port"),
    [
        ('host = "localhost"', False, 1883),
        ('host = "127.0.0.1"', False, 1883),
        ('host = "127.example.org"', True, 8883),
        ('host = "mqtt.example.org"', True, 8883),
        ('host = "mqtt.example.org"\ntls = "off"', False, 1883),
        ('host = "localhost"\ntls = "on"\nport = 9', True, 9),
    ],
    ids=["name", "address", "looks-like-loopback", "elsewhere", "off", "on"],
)
def test_tls_is_the_default_outside_loopback(
    tmp_path: Path, mqtt: str, encrypted: bool, port: int
) -> None:
    made = config.load(written(tmp_path, f"{PC}[mqtt]\n{mqtt}\n")).mqtt
    assert (made.encrypted, made.tcp_port) == (encrypted, port)


def test_reader_may_have_more_batches_under_way_than_a_pc(tmp_path: Path) -> None:
    assert config.load(written(tmp_path, PC)).window == 2
    assert config.load(written(tmp_path, PC + READER)).window == 32


def test_another_machine_is_not_loopback() -> None:
    assert not loopback("192.0.2.1")
