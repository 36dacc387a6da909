"""A PC beside its plug: steps, what is left out, files of readings, and the command."""

import json
import math
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from meters.rack import RackPdu
from sobre_agent.cli import main
from sobre_agent.pairs import Curve, Pairing, Step, result
from sobre_agent.readings_file import Writer, read
from sobre_agent.session import Plug, running_wh, steps
from sobre_agent.sources import Source
from sobre_drivers.comparison import decode
from sobre_drivers.errors import ConfigError, MeterError
from sobre_drivers.load import Origin
from sobre_drivers.pc.host import LAPTOP, Host, model_of
from sobre_drivers.sample import Described, Instant, Reading

pytest_plugins = ("meters.fixtures",)

WH_UJ = 3_600_000_000
PLUG = Described("plug", "workstation.desktop", 200.0, "plug", Origin.MEASURED, 0.02)
COARSE = Described("plug", "workstation.desktop", 200.0, "plug", Origin.MEASURED, 0.02, 10 * WH_UJ)


def at(second: float, slept_s: float = 0.0) -> Instant:
    return Instant(1.7e9 + second, second, second + slept_s)


def power(watt: float | None, mean: bool = False) -> Reading:
    return Reading("x", power_w=watt, mean=mean)


def register(wh: float, serial: str | None = None, watt: float | None = None) -> Reading:
    return Reading("x", register_uj=int(wh * WH_UJ), serial=serial, power_w=watt)


@pytest.mark.parametrize(
    ("plug", "model", "seen", "wanted"),
    [
        (PLUG, [power(9.0), power(20.0, mean=True)], [power(20.0), power(30.0)], (1200, 1500)),
        (PLUG, [power(10.0), power(20.0)], [power(20.0), power(30.0)], (900, 1500)),
        (PLUG, [power(9.0), power(20.0, mean=True)], [register(5.0), register(5.5)], (1200, 1800)),
        # A register of 10 Wh does not move within a minute; its power does.
        (
            COARSE,
            [power(9.0), power(20.0, mean=True)],
            [register(10, watt=20.0), register(10, watt=30.0)],
            (1200, 1500),
        ),
        (PLUG, [power(9.0), power(20.0, mean=True)], [register(5.0), register(4.0)], None),
        (PLUG, [power(9.0), power(20.0, mean=True)], [register(5.0), register(15.0)], None),
        (PLUG, [power(9.0), power(2.0, True)], [register(5, "a"), register(5, "b")], None),
        (PLUG, [power(9.0), power(None)], [power(20.0), power(30.0)], None),
        (PLUG, [power(9.0), power(20.0)], [power(20.0), power(None)], None),
    ],
    ids=[
        "mean",
        "trapezoid",
        "register",
        "coarse-register",
        "reset",
        "spike",
        "replaced",
        "no-model",
        "no-plug",
    ],
)
def test_step_is_what_both_say_of_the_same_minute(
    plug: Described,
    model: list[Reading],
    seen: list[Reading],
    wanted: tuple[float, float] | None,
) -> None:
    pairing = Pairing(plug, 150.0)
    assert pairing.take(at(0), model[0], seen[0], "m") is None
    step = pairing.take(at(60), model[1], seen[1], "m")
    assert (None if step is None else (step.model_j, step.plug_j)) == (
        None if wanted is None else pytest.approx(wanted)
    )


@pytest.mark.parametrize(
    ("second", "slept_s", "plug"),
    [(200, 0.0, power(9.0)), (60, 3600.0, power(9.0)), (60, 0.0, None)],
    ids=["gap", "sleep", "silent"],
)
def test_what_one_of_them_missed_is_left_out_of_both(
    second: float, slept_s: float, plug: Reading | None
) -> None:
    pairing = Pairing(PLUG, 150.0)
    pairing.take(at(0), power(9.0), power(9.0), "m")
    assert pairing.take(at(second, slept_s), power(9.0), plug, "m") is None
    later = pairing.take(at(second + 60, slept_s), power(9.0), power(9.0), "m")
    assert (later is None) == (plug is None)


def constant(hours: float, model_w: float, plug_w: float, method: str = "m") -> list[Step]:
    return [Step(60, 60 * model_w, 60 * plug_w, method) for _ in range(round(hours * 60))]


def test_result_is_the_ratio_of_sums_and_says_what_it_left_out() -> None:
    found = result([*constant(1.5, 50.0, 50.0, "other"), *constant(4, 10.0, 13.0)])
    assert (found.model_w, found.plug_w, found.hours) == pytest.approx((10.0, 13.0, 4.0))
    assert found.method == "m"
    assert found.left_out_h == pytest.approx(1.5)
    assert found.se_ratio == pytest.approx(0.0, abs=1e-12)


def test_count_of_a_coarse_register_is_part_of_the_error() -> None:
    found = result(constant(4, 10.0, 13.0), count_j=36_000)
    # Both ends of 4 h × 13 W, each within a count of 10 Wh.
    assert found.se_ratio == pytest.approx(36_000 / math.sqrt(6) / (13 * 4 * 3600))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], "only 0.0 h could be compared"),
        (constant(1.9, 1, 1), "only 1.9 h"),
        (constant(3, 0, 9), "0 W all the time"),
    ],
    ids=["nothing", "short", "other-device"],
)
def test_too_little_gives_no_factor(found: list[Step], said: str) -> None:
    with pytest.raises(MeterError, match=said):
        result(found)


def test_error_within_a_session_allows_for_minutes_that_resemble_each_other() -> None:
    draw = random.Random(3)
    held = 0
    for _ in range(200):
        state, found = 0.0, []
        for _ in range(8 * 60):
            # The ratio of the moment wanders over minutes: AR(1) of about a quarter of an hour.
            state = 0.94 * state + draw.gauss(0, 0.04)
            found.append(Step(60, 600.0, 600.0 * (1.2 + state), "m"))
        made = result(found)
        held += abs(made.plug_w / made.model_w - 1.2) <= 2.2 * made.se_ratio * 1.2
    # Nominal 95 % with the eleven degrees of freedom of twelve parts; by single minutes 37 %.
    assert 0.88 <= held / 200 <= 0.99


@dataclass
class Machine:
    """A clock, a processor and a plug of which a test knows everything: 30 % above the model."""

    root: Path
    second: float = 0.0
    busy_s: float = 0.0
    silent: Callable[[float], bool] = lambda second: False
    plug_j: float = 0.0
    asked: list[float] = field(default_factory=list)

    name = "plug"

    def now(self) -> Instant:
        return Instant(1.7e9 + self.second, self.second, self.second)

    def cpu_times(self) -> SimpleNamespace:
        return SimpleNamespace(user=self.busy_s, system=0.0, idle=self.second - self.busy_s)

    def pause(self, span_s: float) -> None:
        load = 0.8 if 3_600 <= self.second < 7_200 else 0.1
        curve = model_of(LAPTOP).utilisation
        grown = curve.step + (1 - curve.step) * load**curve.exponent
        self.plug_j += 1.3 * span_s * (curve.idle_w + (curve.max_w - curve.idle_w) * grown)
        self.second += span_s
        self.busy_s += load * span_s

    def describe(self) -> Sequence[Described]:
        return [PLUG]

    def read(self) -> Sequence[Reading]:
        if self.silent(self.second):
            raise MeterError("plug: silent")
        return [Reading("plug", register_uj=round(self.plug_j * 1e6))]

    def close(self) -> None: ...

    def host(self) -> Host:
        return Host(
            "pc-1",
            device_class=LAPTOP,
            root=self.root,
            clock=self,
            cpu_times=self.cpu_times,
            processor_name="",
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "class").mkdir()
    return Machine(tmp_path)


def session(machine: Machine) -> list[Step]:
    plug = Plug(Source("plug", machine, 10, "minute"), PLUG)
    found = steps(machine.host(), "pc-1", plug, machine, machine.pause, every_s=10, hours=4)
    return [step for step in found if step is not None]


def test_session_of_a_real_host_finds_the_factor_of_its_plug(machine: Machine) -> None:
    found = result(session(machine))
    assert found.plug_w / found.model_w == pytest.approx(1.3, rel=1e-3)
    assert found.hours == pytest.approx(4, abs=0.01)
    assert found.method == "model 2 (utilisation)"


def test_plug_that_falls_silent_takes_only_its_own_time_away(machine: Machine) -> None:
    machine.silent = lambda second: 5_000 <= second < 6_000
    found = result(session(machine))
    assert found.hours == pytest.approx(4 - 1_010 / 3600, abs=0.01)
    assert found.plug_w / found.model_w == pytest.approx(1.3, rel=1e-3)


def test_time_on_battery_is_left_out(machine: Machine) -> None:
    folder = machine.root / "class" / "power_supply" / "BAT0"
    folder.mkdir(parents=True)
    lines = ("TYPE=Battery", "STATUS=Discharging", "POWER_NOW=9000000")
    text = "\n".join(f"POWER_SUPPLY_{line}" for line in lines)
    (folder / "uevent").write_text(f"{text}\n")
    host = machine.host()
    plug = Plug(Source("plug", machine, 10, "minute"), PLUG)
    on_battery = list(steps(host, "pc-1", plug, machine, machine.pause, every_s=10, hours=0.1))
    assert on_battery == [None] * 36
    shutil.rmtree(folder)
    (folder.parent).rmdir()
    on_mains = list(steps(host, "pc-1", plug, machine, machine.pause, every_s=10, hours=0.1))
    assert sum(step is not None for step in on_mains) >= 34


def test_curve_interpolates_and_knows_its_gaps() -> None:
    curve = Curve([0.0, 100.0, 200.0, 900.0, 1000.0], [0.0, 50.0, 150.0, 850.0, 840.0])
    assert curve.between(50, 150, 300) == pytest.approx(75)
    assert curve.between(0, 200, 300) == pytest.approx(150)
    assert curve.between(150, 300, 300) is None
    assert curve.between(150, 900, 700) == pytest.approx(750)
    assert curve.between(900, 1000, 300) is None
    assert curve.between(-1, 50, 300) is None
    assert curve.between(950, 1001, 300) is None
    broken = Curve([0.0, 10.0, 20.0], [0.0, None, 5.0])
    assert broken.between(0, 20, 300) is None


def test_power_of_a_meter_becomes_its_energy() -> None:
    curve = Curve.of_power([0.0, 10.0, 30.0], [10.0, 20.0, 20.0])
    assert curve.between(0, 30, 60) == pytest.approx(150 + 400)


def test_own_energy_begins_anew_after_a_break() -> None:
    heard = [
        (at(0), power(10.0, True)),
        (at(10), power(10.0, True)),
        (at(20), None),
        (at(30), power(10.0, True)),
        (at(40), power(10.0, True)),
        (at(400), power(10.0, True)),
        (at(410), power(10.0, True)),
    ]
    found = [wh if wh is None else wh * 3600 for _, wh in running_wh(heard, 25.0)]
    assert found == [
        pytest.approx(0),
        pytest.approx(100),
        None,
        pytest.approx(100),
        pytest.approx(200),
        None,
        pytest.approx(200),
    ]


def test_readings_written_are_the_readings_read(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    with path.open("w", encoding="utf-8") as file:
        writer = Writer(file, "energy_wh", {"method": "model 2"})
        for second, wh in ((0, 0.0), (10, 1.0), (20, None), (30, 2.0)):
            writer.add(1.7e9 + second, wh)
    about, curve = read(path)
    assert about == {"method": "model 2"}
    assert curve.between(1.7e9, 1.7e9 + 10, 60) == pytest.approx(3600)
    assert curve.between(1.7e9, 1.7e9 + 30, 60) is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b\n1,2\n", ":1: the first line must name time"),
        ("time,power_w\n1,2\n", "less than two readings"),
        ("time,power_w\n2,2\n1,2\n", ":3: the time does not grow"),
        ("time,power_w\n# why\n\n1,2\n2,x\n", ":5: 'x' is no number"),
        ("time,power_w\n1,-2\n", ":2: '-2'; a number from 0"),
        ("time,power_w\nnoon,2\n", ":2: time 'noon'"),
        ("time,power_w\n2026-11-24T09:00,2\n", ":2: time '2026-11-24T09:00' has no offset"),
    ],
    ids=["header", "short", "order", "number", "negative", "time", "offset"],
)
def test_mistakes_in_readings_are_named_by_line(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "plug.csv"
    path.write_text(content, "utf-8")
    with pytest.raises(ConfigError, match=said):
        read(path)


def files(tmp_path: Path, plug_lines: str) -> tuple[str, str]:
    own, plug = tmp_path / "own.csv", tmp_path / "plug.csv"
    about = {"device_class": LAPTOP, "processor": "Zen", "method": "model 2 (usual)"}
    rows = "\n".join(f"{1.7e9 + 60 * n:.0f},{10 * n / 60:.6f}" for n in range(241))
    own.write_text(f"# {json.dumps(about)}\ntime,energy_wh\n{rows}\n", "utf-8")
    plug.write_text(plug_lines, "utf-8")
    return str(own), str(plug)


def test_two_files_give_a_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Another agent's readings, by the ten minutes, in a French spreadsheet's shape.
    rows = "\n".join(f"{1.7e9 - 30 + 600 * n:.0f};{12.5:.1f}".replace(".", ",") for n in range(26))
    own, plug = files(tmp_path, f"time;power_w\n{rows}\n")
    out = tmp_path / "calibration.json"
    words = ["calibrate", "compare", own, plug, "--out", str(out)]
    assert main(words) == 2
    assert "--plug-error" in capsys.readouterr().err
    assert main([*words, "--plug-error", "0.02"]) == 0
    found = decode(out.read_bytes())
    assert found.factor_ratio == pytest.approx(1.25, rel=1e-3)
    assert (found.device_class, found.processor) == (LAPTOP, "Zen")
    assert found.hours == pytest.approx(4.0)
    # That of the last reading, whenever they are compared.
    assert found.day == "2023-11-15"
    assert set(json.loads(out.read_bytes())) == {
        "v",
        "kind",
        "device_class",
        "processor",
        "method",
        "model_w",
        "plug_w",
        "se_ratio",
        "reference_u_ratio",
        "hours",
        "day",
    }


def test_plug_of_something_else_is_found_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "\n".join(f"{1.7e9 + 600 * n:.0f},900" for n in range(26))
    own, plug = files(tmp_path, f"time,power_w\n{rows}\n")
    out = tmp_path / "calibration.json"
    words = ["calibrate", "compare", own, plug, "--out", str(out), "--plug-error", "0.02"]
    assert main(words) == 1
    assert "look whether the plug feeds this PC" in capsys.readouterr().err
    assert not out.exists()


def configured(tmp_path: Path, port: int, more: str = "") -> str:
    path = tmp_path / "agent.toml"
    path.write_text(
        f"""organisation = "a"
site = "s"
node = "pc-1"
{more}
[[meters]]
device = "pdu"
profile = "sobre-demo-pdu"
host = "127.0.0.1"
port = {port}
""",
        "utf-8",
    )
    return str(path)


def test_command_asks_this_pc_and_a_real_plug(
    tmp_path: Path, rack_pdu: RackPdu, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured(tmp_path, rack_pdu.port)
    out = str(tmp_path / "calibration.json")
    quick = ["--config", config, "--hours", "0.0004", "--every-s", "1", "--out", out]
    assert main(["calibrate", "with", "pdu/outlet-01", *quick, "--plug-error", "0.02"]) == 1
    assert "h could be compared; 2 h at least" in capsys.readouterr().err
    assert main(["calibrate", "with", "pdu/outlet-99", *quick]) == 2
    assert "there are pdu, pdu/outlet-01" in capsys.readouterr().err
    plug = tmp_path / "plug.csv"
    assert main(["calibrate", "record", "pdu/outlet-01", *quick[:-1], str(plug)]) == 0
    assert plug.read_text().splitlines()[1] in ("time,energy_wh", "time,power_w")
    assert len(plug.read_text().splitlines()) >= 3
    own = tmp_path / "own.csv"
    assert main(["calibrate", "record", *quick[:-1], str(own)]) == 0
    about, _ = read(own)
    assert about.keys() == {"device_class", "processor", "method"}
    assert "pc-1" not in own.read_text()


def test_reader_that_does_not_measure_itself_has_nothing_to_compare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured(tmp_path, 1, "[host]\nenabled = false\n")
    words = ["calibrate", "with", "pdu", "--config", config, "--out", str(tmp_path / "x")]
    assert main([*words]) == 2
    assert "host.enabled is false" in capsys.readouterr().err
