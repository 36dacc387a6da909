"""`sobre-agent meters read`: every way to name a meter, and a verdict on what it shows."""

import json
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from meters.pages import Pages, said
from meters.served import HOST, Served, capture
from sobre_agent.cli import main

DEADLINE_S = 20.0
PROFILE = """
maker = "Acme"
model = "1"
source = "its manual"
confirmed = "unconfirmed"
device_class = "pdu"
function = 3
word_order = "low-first"

[[part]]
power = { address = 0, type = "float32", unit = "W" }

[part.shown]
voltage = { address = 2, type = "float32", unit = "V" }
frequency = { address = 4, type = "uint16", unit = "Hz" }
"""


def floats(*values: float) -> list[int]:
    return [word for value in values for word in struct.unpack(">HH", struct.pack(">f", value))]


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["meters", "read", *words])
    told = capsys.readouterr()
    return code, told.out, " ".join(told.out.split()) + told.err


def test_a_wrong_word_order_and_a_wrong_scale_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "acme-1.toml"
    path.write_text(PROFILE, encoding="utf-8")
    with Served({0: floats(1410.5, 231.4), 4: [5002]}) as server:
        where = ["--profile", "acme-1", "--profiles-folder", str(tmp_path)]
        where += ["--host", HOST, "--port", str(server.port)]
        code, _, told = asked(capsys, *where, "--rated-w", "3680")
        assert code == 1
        assert "in the other word order it would be 231.4 V: the profile's word_order" in told
        assert "in the other word order it would be 1410.5 W" in told
        assert "times 0.01 it would be 50.02 Hz: scale or unit is probably wrong" in told
        text = PROFILE.replace("low-first", "high-first").replace(
            '"uint16"', '"uint16", scale = 0.01'
        )
        path.write_text(text, encoding="utf-8")
        code, out, _ = asked(capsys, *where, "--rated-w", "3680")
        assert code == 0
        assert [line.split()[-1] for line in out.splitlines()] == ["ok"] * 3
        assert asked(capsys, *where)[0] == 0, "for a look nobody must state its power"
        assert asked(capsys, *where, "--rated-w", "1000")[0] == 1


def test_a_meter_is_taken_from_the_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served = capture("eastron-sdm120")
    path = tmp_path / "agent.toml"
    with Served(served.words, served.function, unit_id=7) as server:
        path.write_text(
            f"""
organisation = "o"
site = "s"
node = "reader"
[[meters]]
device = "pdu-a3"
profile = "eastron-sdm120"
host = "{HOST}"
port = {server.port}
unit_id = 7
rated_w = 10000
""",
            encoding="utf-8",
        )
        code, out, _ = asked(capsys, "--config", str(path), "--device", "pdu-a3")
        assert code == 0
        assert any(line.split()[:3] == ["pdu-a3", "power", "65.25"] for line in out.splitlines())
        for words, finding in (
            ([], "device: not given"),
            (["--device", "pdu-a4"], "pdu-a3"),
            (["--device", "pdu-a3", "--unit-id", "3"], "unit_id: beside --config"),
        ):
            code, _, told = asked(capsys, "--config", str(path), *words)
            assert (code, finding in told) == (2, True), told


def test_a_plug_is_looked_at_over_http(capsys: pytest.CaptureFixture[str]) -> None:
    status = {"meters": [{"power": 4000.0, "is_valid": True, "total": 600}]}
    with Pages(lambda question: said(status)) as pages:
        where = ["--profile", "shelly-plug", "--host", HOST, "--port", str(pages.port)]
        code, out, _ = asked(capsys, *where, "--rated-w", "2500", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert (code, rows["power"]["verdict"], rows["energy"]["verdict"]) == (1, "wrong", "ok")
    assert "scale, unit or rated_w is probably wrong" in rows["power"]["finding"]


def test_ctrl_c_ends_a_watch_and_judges_it() -> None:
    served = capture("eastron-sdm120")
    with Served(served.words, served.function) as server:
        command = [sys.executable, "-m", "sobre_agent", "meters", "read", "--watch"]
        command += ["--profile", "eastron-sdm120", "--host", HOST, "--port", str(server.port)]
        with subprocess.Popen(
            [*command, "--every-s", "1"], stdout=subprocess.PIPE, text=True, env=os.environ
        ) as process:
            until_s = time.monotonic() + DEADLINE_S
            rounds = 0
            while rounds < 2:
                assert time.monotonic() < until_s
                first = server.requests[0] if server.requests else None
                rounds = server.requests.count(first) if first else 0
                time.sleep(0.02)
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            printed, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, printed
    assert printed.count("frequency") >= 2
    assert "too coarse to tell" in " ".join(printed.split())


@pytest.mark.parametrize(
    ("words", "finding"),
    [
        (["--every-s", "0"], "every-s: 0; 1 s at least"),
        (["--for-s", "0.1"], "for-s: 0.1"),
        (["--serial-port", "/dev/null"], "serial_port: beside host"),
        (["--snmp-community-file", "x"], "snmp means nothing to modbus"),
        (["--snmp-version", "3"], "user is missing"),
        (["--username", "x"], "username and password_file go together"),
        (["--rated-w", "0"], "more than 0 W"),
        (["--baud-rate", "9600"], "serial is beside host"),
    ],
)
def test_options_that_do_not_fit_are_told(
    words: list[str], finding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, told = asked(capsys, "--profile", "abb-b23", "--host", HOST, *words)
    assert (code, finding in told) == (2, True), told
