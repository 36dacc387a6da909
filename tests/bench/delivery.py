"""Bytes that a workstation's deliveries of one day take on the wire, counted by a TCP proxy."""

import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

from bench import line
from bench.counting_proxy import Proxy
from bench.figures import Figure, Run
from bench.processes import finished, running, script, until
from services.ports import free_port
from sobre_agent.open_load import Span
from sobre_agent.spool import Counts, Spool
from sobre_drivers.load import Origin

TITLE = "Delivery: bytes per PC and day"

# 24 November 2026, 00:00 in Paris: a day that is over, so that nothing is of the future.
DAY = 1_795_474_800 - 86_400
HOURS = 24
SPANS_S = {"day": (28_800, 36_000, 21_600), "hour": (600,) * 6}
CONFIG = """
organisation = "ville"
site = "mairie"
node = "pc-1"
[spool]
folder = "{folder}/spool"
[mqtt]
host = "127.0.0.1"
port = {port}
"""
TLS = """
tls = "on"
ca_file = "{tls.authority}"
certificate_file = "{tls.certificate}"
key_file = "{tls.key}"
"""
SENML = "SenML, 10 s samples each minute, paho"


def measure(run: Run) -> list[Figure]:
    folder = run.fresh("delivery")
    port = free_port()
    tls, listener = line.secured(folder, port)
    hours_n = 2 if run.quick else HOURS
    with ExitStack() as stack:
        broker = stack.enter_context(line.broker(folder / "broker", listener))
        stack.enter_context(line.collector(folder, broker.port))
        plain = stack.enter_context(Proxy(broker.port))
        secure = stack.enter_context(Proxy(port))
        pc = _Pc(folder / "pc", plain.port, "")
        tls_pc = _Pc(folder / "tls-pc", secure.port, TLS.format(tls=tls))
        senml_b = _counted(
            plain, lambda: finished([*script("bench.floors.senml_day"), str(plain.port)])
        )
        deliveries_s: list[float] = []
        day_b = _counted(plain, lambda: deliveries_s.append(pc.deliver("day", -HOURS)))
        tls_b = _counted(secure, lambda: tls_pc.deliver("day", -HOURS))
        hours_b = _counted(plain, lambda: [pc.deliver("hour", n) for n in range(hours_n)])
        tls_hours_b = _counted(secure, lambda: [tls_pc.deliver("hour", n) for n in range(hours_n)])
    scale = HOURS / hours_n
    rows = (
        ("3 loads, once a day", day_b, "≤ 3"),
        ("3 loads, once a day, TLS with certificates", tls_b, ""),
        ("144 loads of ten minutes, each hour", hours_b * scale, "≤ 60"),
        ("144 loads of ten minutes, each hour, TLS", tls_hours_b * scale, ""),
    )
    return [
        *(
            Figure(what, "kB", [size / 1000], SENML, [senml_b / 1000], aim)
            for what, size, aim in rows
        ),
        Figure("the process that delivers once a day", "CPU s", deliveries_s),
    ]


class _Pc:
    """A workstation with a spool, whose agent really ran once."""

    def __init__(self, folder: Path, port: int, more: str) -> None:
        folder.mkdir()
        self._config = folder / "agent.toml"
        self._config.write_text(CONFIG.format(folder=folder, port=port) + more)
        self._folder = folder
        # Its own birth is in the spool once it has sampled.
        words = [sys.executable, "-m", "sobre_agent", "run", "--config", str(self._config)]
        with running(words, folder / "log"):
            until(self._born, "the agent meets its own device")

    def deliver(self, pace: str, number: int) -> float:
        """Close the loads of a day or of an hour of it and deliver them: CPU seconds."""
        end = DAY + 3600 * number
        with closing(Spool(self._folder / "spool")) as spool:
            for span_s in SPANS_S[pace]:
                end += span_s
                spool.append([_span(end, span_s)], {})
        done = finished([*script("sobre_agent.delivery"), str(self._config)])
        with closing(Spool(self._folder / "spool")) as spool:
            if spool.counts() != Counts(0, 0, 0):
                raise RuntimeError(f"not all was confirmed: {spool.counts()}")
        return done.cpu_s

    def _born(self) -> bool:
        if not (self._folder / "spool" / "spool.db").exists():
            return False
        with closing(Spool(self._folder / "spool")) as spool:
            return bool(spool.births())


def _span(end: int, span_s: int) -> Span:
    on_s = span_s * 2 // 3
    states = {"on": on_s, "sleep": span_s - on_s}
    return Span("pc-1", end, span_s, 41 * span_s, Origin.ESTIMATED, states, power_max_w=65)


def _counted(proxy: Proxy, work: Callable[[], object]) -> int:
    """Bytes that went through a proxy while work was done."""
    before = proxy.bytes_n
    work()
    return proxy.bytes_n - before
