"""deploy/mosquitto against a real mosquitto: who gets in, and what becomes of what they say.

The files are read as they are installed, after Debian's own mosquitto.conf; only paths, the port
and the address change. That a message is refused is proved by what arrives at the collector, since
mosquitto acknowledges what it drops too.
"""

import re
import socket
import ssl
import warnings
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from trustme import CA

from services import mosquitto, unpacked
from services.mosquitto import Broker
from services.ports import HOST, free_port
from services.tls_site import WITHIN_S, Site

pytestmark = pytest.mark.broker

DEPLOY = Path(__file__).parents[1] / "deploy" / "mosquitto"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    why = mosquitto.absent()
    if why:
        pytest.skip(why)
    port = free_port()
    broker = Broker(tmp_path / "broker", configuration(tmp_path, port), port)
    ours = Site(tmp_path, broker, CA(), [])
    server = ours.ca.issue_cert(HOST, "localhost")
    ours.ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    (tmp_path / "server.pem").write_bytes(b"".join(b.bytes() for b in server.cert_chain_pems))
    server.private_key_pem.write_to_path(tmp_path / "server.key")
    (tmp_path / "acl").write_text((DEPLOY / "acl").read_text())
    (tmp_path / "acl").chmod(0o600)
    ours.revoke()
    broker.start()
    yield ours
    for client in ours.clients:
        client.close()
    ours.broker.stop()


def configuration(folder: Path, port: int) -> str:
    """Debian's mosquitto.conf with ours in its conf.d, moved to `folder`, `port` and loopback."""
    included = folder / "conf.d"
    included.mkdir()
    ours = (DEPLOY / "sobre.conf").read_text().replace("/etc/mosquitto/sobre/", f"{folder}/")
    ours, listeners = re.subn(r"^listener 8883$", f"listener {port} {HOST}", ours, flags=re.M)
    assert listeners == 1
    (included / "sobre.conf").write_text(ours)
    installed = unpacked.services()["mosquitto"].root / "etc" / "mosquitto" / "mosquitto.conf"
    return moved(installed if installed.exists() else Path("/etc/mosquitto/mosquitto.conf"), folder)


def moved(main: Path, folder: Path) -> str:
    """The text of a main configuration file with all that it names below `folder`."""
    text = main.read_text()
    for there, here in {
        "/run/mosquitto/mosquitto.pid": "pid",
        "/var/lib/mosquitto/": "broker/",
        "/mosquitto/data/": "broker/",
        "/var/log/mosquitto/mosquitto.log": "broker/mosquitto.log",
        "/etc/mosquitto/conf.d": "conf.d",
    }.items():
        text = text.replace(there, f"{folder}/{here}")
    elsewhere = re.findall(rf"^\w.* (?!{folder})/\S+$", text, re.M)
    assert not elsewhere
    return text


def test_a_node_speaks_to_the_collector_and_hears_its_answers(site: Site) -> None:
    collector, node = site.client("collector"), site.client("pc-1")
    assert collector.connect()
    assert node.connect()
    collector.subscribe("sobre/v1/+/load", "sobre/v1/+/birth/#", "sobre/v1/+/status")
    answers = [f"sobre/v1/pc-1/{kind}" for kind in ("confirmed", "refused", "control")]
    node.subscribe(*answers)
    for kind in ("load", "birth/pc-1", "birth/pdu-a3/outlet-07", "status"):
        node.publish(f"sobre/v1/pc-1/{kind}", kind)
        assert collector.hears(f"sobre/v1/pc-1/{kind}", kind)
    for answer in answers:
        collector.publish(answer, "yes")
        assert node.hears(answer, "yes")


def test_the_containers_main_file_lets_them_speak_too(site: Site) -> None:
    main = moved(DEPLOY.parent / "container" / "mosquitto.conf", site.folder)
    site.broker.stop()
    broker = site.broker = Broker(site.folder / "broker", main, site.broker.port)
    broker.start()
    collector, node = site.collector(), site.client("pc-1")
    assert node.connect()
    node.publish("sobre/v1/pc-1/load", "from a container")
    assert collector.hears("sobre/v1/pc-1/load", "from a container")


def test_a_shared_subscription_of_the_collector_gets_the_loads(site: Site) -> None:
    collector, node = site.client("collector"), site.client("pc-1")
    assert collector.connect()
    assert node.connect()
    collector.subscribe("$share/collector/sobre/v1/+/load")
    node.publish("sobre/v1/pc-1/load", "shared")
    assert collector.hears("sobre/v1/pc-1/load", "shared")


def test_only_collectors_tell_each_other_what_is_known(site: Site) -> None:
    collector, node = site.client("collector"), site.client("pc-1")
    assert collector.connect()
    assert node.connect()
    registry = "sobre/v1/$collector/registry"
    collector.subscribe(f"{registry}/#")
    node.subscribe(f"{registry}/#", "sobre/v1/pc-1/confirmed")
    node.publish(registry, "forged")
    collector.publish(registry, "known")
    assert collector.hears(registry, "known")
    collector.publish("sobre/v1/pc-1/confirmed", "yours")
    assert node.hears("sobre/v1/pc-1/confirmed", "yours")
    assert collector.received == [(registry, "known")]
    assert node.received == [("sobre/v1/pc-1/confirmed", "yours")]


@pytest.mark.parametrize(
    "topic",
    ["sobre/v1/pc-2/load", "sobre/v1/pc-2/birth/pc-2", "sobre/v1/pc-2/status", "load", "sobre/v1"],
)
def test_what_a_node_says_for_another_never_arrives(site: Site, topic: str) -> None:
    collector, node = site.collector(), site.client("pc-1")
    assert node.connect()
    node.publish(topic, "forged")
    node.publish("sobre/v1/pc-1/load", "own")
    assert collector.hears("sobre/v1/pc-1/load", "own")
    assert collector.received == [("sobre/v1/pc-1/load", "own")]


@pytest.mark.parametrize("kind", ["load", "confirmed", "refused", "control", "birth/pc-2"])
def test_a_node_hears_nothing_of_another(site: Site, kind: str) -> None:
    collector, node, other = site.client("collector"), site.client("pc-1"), site.client("pc-2")
    for client in (collector, node, other):
        assert client.connect()
    node.subscribe("#", "sobre/v1/pc-2/#")
    speaker = collector if kind in ("confirmed", "refused", "control") else other
    speaker.publish(f"sobre/v1/pc-2/{kind}", "not yours")
    collector.publish("sobre/v1/pc-1/confirmed", "yours")
    assert node.hears("sobre/v1/pc-1/confirmed", "yours")
    assert {topic for topic, _ in node.received} == {"sobre/v1/pc-1/confirmed"}


def test_the_collector_says_nothing_for_a_node(site: Site) -> None:
    collector, node = site.collector(), site.client("pc-1")
    assert node.connect()
    collector.publish("sobre/v1/pc-1/load", "forged")
    node.publish("sobre/v1/pc-1/load", "own")
    assert collector.hears("sobre/v1/pc-1/load", "own")
    assert collector.received == [("sobre/v1/pc-1/load", "own")]


def test_a_node_under_the_collectors_client_id_does_not_throw_it_out(site: Site) -> None:
    collector, intruder = site.collector(), site.client("pc-1", client_id="collector")
    assert intruder.connect()
    intruder.publish("sobre/v1/pc-1/load", "from pc-1")
    assert collector.hears("sobre/v1/pc-1/load", "from pc-1")


def test_without_a_certificate_there_is_no_way_in(site: Site) -> None:
    assert not site.stranger("pc-1", None).connect()


def test_a_certificate_of_another_authority_is_no_way_in(site: Site) -> None:
    assert not site.stranger("pc-1", CA()).connect()


def test_a_broker_under_another_name_is_not_believed(site: Site) -> None:
    server = site.ca.issue_cert("elsewhere.example")
    (site.folder / "server.pem").write_bytes(b"".join(b.bytes() for b in server.cert_chain_pems))
    server.private_key_pem.write_to_path(site.folder / "server.key")
    site.broker.stop()
    site.broker.start()
    context = ssl.create_default_context(cafile=str(site.folder / "ca.pem"))
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        tls_connect(context, site.broker.port)


def test_a_revoked_certificate_is_no_way_in_after_a_reload(site: Site) -> None:
    node = site.client("pc-1")
    assert node.connect()
    node.close()
    site.revoke(node.certificate)
    site.broker.reload()
    assert not node.connect()
    assert site.client("pc-2").connect()


def test_a_revoked_node_that_is_connected_stays_until_a_restart(site: Site) -> None:
    collector, node = site.collector(), site.client("pc-1")
    assert node.connect()
    site.revoke(node.certificate)
    site.broker.reload()
    node.publish("sobre/v1/pc-1/load", "still here")
    assert collector.hears("sobre/v1/pc-1/load", "still here")
    site.broker.stop()
    site.broker.start()
    assert not node.connect()


def test_an_expired_list_of_revoked_certificates_lets_nobody_in(site: Site) -> None:
    site.revoke(valid_for=timedelta(minutes=-1))
    site.broker.stop()
    site.broker.start()
    assert not site.client("pc-1").connect()


def test_tls_below_1_2_is_no_way_in(site: Site) -> None:
    context = ssl.create_default_context(cafile=str(site.folder / "ca.pem"))
    # Without this, our own OpenSSL would refuse to ask, and prove nothing of the broker.
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError, match=r"(?i)protocol|version"):
        tls_connect(context, site.broker.port)


def test_a_message_larger_than_a_batch_is_dropped_and_the_next_arrives(site: Site) -> None:
    collector, node = site.collector(), site.client("pc-1")
    assert node.connect()
    node.publish("sobre/v1/pc-1/load", "x" * 65_537)
    node.publish("sobre/v1/pc-1/load", "y" * 65_000)
    assert collector.hears("sobre/v1/pc-1/load", "y" * 65_000)
    assert len(collector.received) == 1


def tls_connect(context: ssl.SSLContext, port: int) -> None:
    with socket.create_connection((HOST, port), WITHIN_S) as plain:
        context.wrap_socket(plain, server_hostname=HOST).close()


def test_the_log_tells_nothing_of_who_connects(site: Site) -> None:
    node = site.client("pc-1")
    assert node.connect()
    node.publish("sobre/v1/pc-1/load", "x")
    node.close()
    assert not site.stranger("pc-3", CA()).connect()
    site.broker.stop()
    assert "mosquitto version" in site.broker.log()
    assert not re.findall(rf"pc-\d|{re.escape(HOST)}", site.broker.log())
