"""`check` and `doctor`: what they find, and the remedy that they name."""

import json
import re
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import trustme

from services.mosquitto import Broker, MakeBroker
from services.ports import free_port
from sobre_agent.cli import main
from sobre_agent.config import Mqtt
from sobre_agent.open_load import Span
from sobre_agent.outbox import Outbox
from sobre_agent.publisher import Publisher, Sender
from sobre_agent.spool import Spool
from sobre_drivers.load import Origin

PC = 'organisation = "ville"\nsite = "mairie"\nnode = "pc-1"\n'
METER = '[[meters]]\ndevice = "pdu-a3"\nprofile = "no-such"\nhost = "127.0.0.1"\n'


def configured(folder: Path, text: str = "", mqtt: str = "port = 1") -> Path:
    path = folder / "agent.toml"
    spool = f'[spool]\nfolder = "{folder}/spool"\n'
    path.write_text(f"{PC}{text}\n[mqtt]\n{mqtt}\n{spool}")
    return path


def secret(folder: Path, mode: int) -> Path:
    path = folder / "password"
    path.write_text("secret\n")
    path.chmod(mode)
    return path


def test_check_says_that_nothing_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--config", str(configured(tmp_path))]) == 0
    assert "no mistake found" in capsys.readouterr().out
    assert not (tmp_path / "spool").exists()


@pytest.mark.parametrize(
    ("text", "mqtt", "said"),
    [
        ("", 'tls = "on"\nca_file = "{folder}/no.pem"', "mqtt.ca_file: {folder}/no.pem: No such"),
        ("", 'password_file = "{folder}/password"', "chmod 600 {folder}/password"),
        (METER, "", "profile 'no-such' is not known"),
        ('profiles_folder = "{folder}/no"\n' + METER, "", "{folder}/no: no such folder"),
        ('status_file = "{folder}/agent.toml/x"', "", "status_file: {folder}/agent.toml cannot"),
        ('langage = "fr"', "", "did you mean 'language'?"),
    ],
    ids=["no-file", "secret-for-all", "profile", "profiles-folder", "status", "key"],
)
def test_check_finds_what_is_wrong_on_this_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, mqtt: str, said: str
) -> None:
    secret(tmp_path, 0o644)
    text, mqtt, said = (each.replace("{folder}", str(tmp_path)) for each in (text, mqtt, said))
    config = configured(tmp_path, "", mqtt)
    config.write_text(text.partition("[[")[0] + "\n" + config.read_text() + METER * (METER in text))
    assert main(["check", "--json", "--config", str(config)]) == 2
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert any(said in problem for problem in problems), problems
    assert main(["run", "--config", str(config)]) == 2


def test_secret_of_the_owner_alone_is_accepted(tmp_path: Path) -> None:
    path = secret(tmp_path, 0o600)
    assert (
        main(["check", "--config", str(configured(tmp_path, "", f'password_file = "{path}"'))]) == 0
    )


def test_check_warns_of_a_broker_that_is_spoken_to_in_clear(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured(tmp_path, "", 'host = "mqtt.example.org"\ntls = "off"')
    assert main(["check", "--config", str(config)]) == 0
    assert "everything travels in clear" in capsys.readouterr().err


def test_check_finds_certificates_that_do_not_belong_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    authority = trustme.CA()
    one, other = authority.issue_cert("pc-1"), authority.issue_cert("pc-2")
    one.cert_chain_pems[0].write_to_path(tmp_path / "node.pem")
    other.private_key_pem.write_to_path(tmp_path / "node.key")
    (tmp_path / "node.key").chmod(0o600)
    mqtt = f'tls = "on"\ncertificate_file = "{tmp_path}/node.pem"\nkey_file = "{tmp_path}/node.key"'
    assert main(["check", "--config", str(configured(tmp_path, "", mqtt))]) == 2
    assert "certificates cannot be used" in capsys.readouterr().err


def findings(config: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, str]]:
    code = main(["doctor", "--json", "--config", str(config)])
    found = json.loads(capsys.readouterr().out)
    return code, {each["subject"]: f"{each['grade']} {each['text']}" for each in found}


def test_doctor_is_content_with_a_running_agent(
    tmp_path: Path, broker: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured(tmp_path, "", f"port = {broker.port}")
    words = [sys.executable, "-m", "sobre_agent", "run", "--config", str(config)]
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        code, found = findings(config, capsys)
        while not found["agent"].startswith("OK runs"):
            assert time.monotonic() < deadline, found
            code, found = findings(config, capsys)
    finally:
        process.terminate()
        process.wait(20)
    assert (code, found["broker"]) == (0, f"OK localhost:{broker.port} answers, without TLS")
    assert "0 loads wait" in found["spool"]
    cost = re.fullmatch(
        r"OK runs, ([\d.]+) MiB, [\d.]+ s of processor in 0\.0 h with its deliveries",
        found["agent"],
    )
    assert cost is not None, found["agent"]
    assert float(cost[1]) > 5
    # A second connection under the agent's name would throw the running agent out.
    assert " as pc-1 " not in broker.log()


def test_doctor_names_a_broker_that_does_not_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = findings(configured(tmp_path, "", f"port = {free_port()}"), capsys)
    assert code == 1
    assert found["broker"].startswith("FAIL localhost:")
    assert found["agent"].startswith("WARN none runs")


def test_doctor_names_a_certificate_that_is_not_accepted(
    tmp_path: Path, mosquitto: MakeBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "broker.pem")
    stranger.cert_pem.write_to_path(tmp_path / "stranger.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    pem = tmp_path / "broker.pem"
    broker = mosquitto([f"certfile {pem}", f"keyfile {pem}", "allow_anonymous true"])
    mqtt = f'host = "127.0.0.1"\nport = {broker.port}\ntls = "on"\nca_file = "{tmp_path}/%s"'
    code, found = findings(configured(tmp_path, "", mqtt % "stranger.pem"), capsys)
    assert code == 1
    assert "certificate is not accepted" in found["broker"]
    _, found = findings(configured(tmp_path, "", mqtt % "ca.pem"), capsys)
    assert "answers with TLS" in found["broker"]


def test_loads_travel_over_tls(tmp_path: Path, mosquitto: MakeBroker) -> None:
    from sobre_agent.config import Delivery
    from sobre_agent.mqtt import Link, Message

    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    pem = tmp_path / "broker.pem"
    issued.private_key_and_cert_chain_pem.write_to_path(pem)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    broker = mosquitto([f"certfile {pem}", f"keyfile {pem}", "allow_anonymous true"])
    settings = Mqtt(host="127.0.0.1", port=broker.port, tls="on", ca_file=tmp_path / "ca.pem")
    # The answer's topic is our own: whatever we send is taken for an answer and not understood.
    topics = ["sobre/v1/pc-1/load"]
    with closing(Spool(tmp_path / "spool")) as spool:
        spool.meet("pc-1", "model", b"{}")
        spool.append([Span("pc-1", 1_790_000_000, 60, 1, Origin.MEASURED)] * 600, {})
        link = Link(settings, "pc-1", topics)
        link.open()
        parcel = Outbox(spool).next_parcel(time.time())
        assert parcel is not None
        link.publish(topics[0], parcel.payload)
        came: list[Message] = []
        deadline = time.monotonic() + 20
        while not came and time.monotonic() < deadline:
            came = link.wait(1.0)
        link.dispose()
        assert [message.payload for message in came] == [parcel.payload]
        sender = Sender("pc-1", 2, Delivery(), 60)
        again = Link(settings, "pc-1", topics)
        assert not Publisher(sender, spool, again).drain(0.5)
        again.dispose()
        assert spool.counts().waiting == 600


def test_doctor_says_what_was_refused_and_when_it_was_last_confirmed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured(tmp_path, "", f"port = {free_port()}")
    with closing(Spool(tmp_path / "spool")) as spool:
        spool.meet("pc-1", "model", b"{}")
        spool.append([Span("pc-1", 1_790_000_000, 60, 1, Origin.MEASURED)], {})
        spool.note(confirmed_at="1790000000")
    _, found = findings(config, capsys)
    assert "1 loads wait" in found["spool"]
    assert found["collector"].startswith("FAIL last confirmed 2026-09-21 14:13 UTC")


def test_doctor_fails_on_a_wrong_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = findings(configured(tmp_path, 'langage = "fr"'), capsys)
    assert code == 1
    assert "did you mean 'language'?" in found["configuration"]
