"""The collector's settings: defaults that are safe, mistakes that are named."""

from pathlib import Path

import pytest

from sobre_collector.config import CollectorConfig, Mqtt, load_config, password
from sobre_collector.review import review
from sobre_drivers.errors import ConfigError


def written(folder: Path, text: str) -> Path:
    path = folder / "collector.toml"
    path.write_text(text, "utf-8")
    return path


def test_paths_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    text = 'data = "d"\nperimeter = "p.toml"\n[mqtt]\npassword_file = "/run/secret"\n'
    found = load_config(written(tmp_path, text), {})
    assert found.data == tmp_path / "d"
    assert found.perimeter == tmp_path / "p.toml"
    assert found.mqtt.password_file == Path("/run/secret")


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    found = load_config(written(tmp_path, ""), {})
    assert found.mqtt == CollectorConfig().mqtt
    assert (found.web.host, found.policy.accept, found.keep.close_after_days) == (
        "127.0.0.1",
        "all",
        35,
    )


@pytest.mark.parametrize(
    ("mqtt", "secure", "port"),
    [
        pytest.param(Mqtt(), False, 1883, id="loopback"),
        pytest.param(Mqtt("localhost"), False, 1883, id="localhost"),
        pytest.param(Mqtt("::1"), False, 1883, id="loopback-6"),
        pytest.param(Mqtt("broker.example.org"), True, 8883, id="elsewhere"),
        pytest.param(Mqtt("192.0.2.7"), True, 8883, id="address-elsewhere"),
        pytest.param(Mqtt("192.0.2.7", tls="off"), False, 1883, id="off-on-purpose"),
        pytest.param(Mqtt(tls="on"), True, 8883, id="on-loopback-on-purpose"),
        pytest.param(Mqtt("192.0.2.7", port=18_883), True, 18_883, id="port-of-ones-own"),
    ],
)
def test_tls_is_on_except_on_loopback(mqtt: Mqtt, secure: bool, port: int) -> None:
    assert (mqtt.secure, mqtt.address) == (secure, (mqtt.host, port))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("dta = 'x'", "unknown key 'dta'; did you mean 'data'?", id="unknown-key"),
        pytest.param("[mqtt]\nport = 70000", "mqtt.port 70000 is none", id="port"),
        pytest.param("[mqtt]\nport = '1883'", "'mqtt.port' is '1883'; a whole number", id="type"),
        pytest.param("[mqtt]\nhost = ' '", "mqtt.host is empty", id="host"),
        pytest.param(
            "[mqtt]\ntls='on'\ncertificate_file = 'c'", "certificate_file and key_file", id="key"
        ),
        pytest.param("[mqtt]\nca_file = 'c'", "mqtt.ca_file has no use without TLS", id="no-tls"),
        pytest.param("[mqtt]\npassword = 'x'", "unknown key 'mqtt.password'", id="secret-in-file"),
        pytest.param("[policy]\naccept = 'none'", "choose one of 'all', 'listed'", id="policy"),
        pytest.param("[keep]\nclose_after_days = 0", "close_after_days 0: choose 1", id="days"),
        pytest.param("[keep]\nbackups = 0", "keep.backups 0: choose 1 or more", id="backups"),
        pytest.param("data = ", "not valid TOML", id="no-toml"),
    ],
)
def test_a_mistake_is_named_with_file_and_key(tmp_path: Path, text: str, told: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    (problem,) = caught.value.problems
    assert problem.startswith(f"{path}: ")
    assert told in problem


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, '[mqtt]\nhost = "a"\n')
    found = load_config(path, {"SOBRE_MQTT__HOST": "b", "SOBRE_MQTT__TLS": "off"})
    assert (found.mqtt.host, found.mqtt.secure) == ("b", False)


def test_the_password_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("se cret\n", "utf-8")
    mqtt = Mqtt(password_file=file)
    assert password(mqtt, {}) == "se cret"
    assert password(mqtt, {"SOBRE_MQTT_PASSWORD": "other"}) == "other"
    assert password(Mqtt(), {}) is None
    file.write_text("\n", "utf-8")
    with pytest.raises(ConfigError, match="is empty"):
        password(mqtt, {})
    file.unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        password(mqtt, {})


def test_files_that_are_named_and_missing_are_told(tmp_path: Path) -> None:
    path = written(tmp_path, '[mqtt]\ntls = "on"\nca_file = "ca.pem"\npassword_file = "pw"\n')
    found = review(path)
    assert [problem.split("'")[1] for problem in found.problems] == [
        "mqtt.password_file",
        "mqtt.ca_file",
    ]


def test_the_perimeter_is_looked_through_even_if_the_settings_are_wrong(tmp_path: Path) -> None:
    path = written(tmp_path, 'perimeter = "p.toml"\n[mqtt]\nhost = 5\n')
    (tmp_path / "p.toml").write_text("[baseline]\nyear = 'x'\n", "utf-8")
    told = "\n".join(review(path).problems)
    assert "'mqtt.host' is 5" in told
    assert "p.toml: 'baseline.year' is 'x'" in told


def test_a_policy_that_lists_devices_needs_a_list(tmp_path: Path) -> None:
    (problem,) = review(written(tmp_path, '[policy]\naccept = "listed"\n')).problems
    assert "no device would be accepted" in problem


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param('[mqtt]\nhost = "b.example.org"\ntls = "off"', "in the clear", id="no-tls"),
        pytest.param('[web]\nhost = "0.0.0.0"', "no accounts of its own", id="page-for-all"),
        pytest.param("", "perimeter: none", id="no-perimeter"),
    ],
)
def test_what_is_allowed_but_weak_is_remarked(tmp_path: Path, text: str, told: str) -> None:
    found = review(written(tmp_path, text))
    assert found.problems == ()
    assert any(told in line for line in found.remarks)
