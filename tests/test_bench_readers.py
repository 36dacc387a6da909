"""The PDUs that `make bench ARGS=readers` asks: what they serve is read, and they count rounds."""

import json
import signal
from pathlib import Path

from bench import pdus
from bench.processes import running, script, until
from services.ports import free_port
from sobre_drivers.meters import catalog
from sobre_drivers.meters.configured import MeterSettings


def test_bench_pdus_are_read_as_their_profile_says(tmp_path: Path) -> None:
    (tmp_path / "bench-pdu.toml").write_text(pdus.PROFILE, "utf-8")
    port, report, log = free_port(), tmp_path / "report.json", tmp_path / "log"
    words = [*script("bench.pdus"), "2", str(port), str(report)]
    with running(words, log) as process:
        until(lambda: "listening" in log.read_text(), "the PDUs listen")
        drivers = [
            catalog.driver_for(
                MeterSettings(f"pdu-{n}", "bench-pdu", host=pdus.address(n), port=port), tmp_path
            )
            for n in range(2)
        ]
        process.send_signal(signal.SIGUSR1)
        for _ in range(2):
            for driver in drivers:
                inlet, *outlets = driver.read()
                assert inlet.power_w == pdus.OUTLETS * pdus.POWER_W
                assert [each.power_w for each in outlets] == [pdus.POWER_W] * pdus.OUTLETS
                assert len({each.register_uj for each in outlets}) == 1
                assert inlet.register_uj == sum(each.register_uj or 0 for each in outlets)
        drivers[1].read()
        process.send_signal(signal.SIGUSR2)
        until(lambda: report.exists() and report.read_text().endswith("}"), "they report")
        for driver in drivers:
            driver.close()
    assert json.loads(report.read_text())["rounds"] == [2, 3]
