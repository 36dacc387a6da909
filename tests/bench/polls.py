"""Asks other agents as their servers would: one that nobody asks has little to do."""

import socket
import struct
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

WITHIN_S = 10.0
# What Zabbix's own template for Linux asks of an agent each minute.
ZABBIX_ITEMS = (
    "agent.ping",
    "kernel.maxfiles",
    "kernel.maxproc",
    "proc.num",
    "proc.num[,,run]",
    "system.boottime",
    "system.cpu.intr",
    "system.cpu.load[all,avg1]",
    "system.cpu.load[all,avg15]",
    "system.cpu.load[all,avg5]",
    "system.cpu.num",
    "system.cpu.switches",
    "system.cpu.util",
    "system.cpu.util[,idle]",
    "system.cpu.util[,iowait]",
    "system.cpu.util[,system]",
    "system.cpu.util[,user]",
    "system.localtime",
    "system.swap.size[,free]",
    "system.swap.size[,total]",
    "system.uptime",
    "system.users.num",
    "vfs.fs.size[/,pused]",
    "vfs.fs.size[/,used]",
    "vm.memory.size[available]",
    "vm.memory.size[total]",
)
# Zabbix' protocol: this, the length as 64 bits little-endian, the text.
ZABBIX_HEAD = b"ZBXD\x01"


def scrape(port: int) -> None:
    """One scrape, as Prometheus does it."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=WITHIN_S) as answer:
        answer.read()


def zabbix(port: int) -> None:
    """One round of passive checks; OSError if the agent does not answer."""
    for item in ZABBIX_ITEMS:
        text = item.encode("ascii")
        with socket.create_connection(("127.0.0.1", port), timeout=WITHIN_S) as asked:
            asked.sendall(ZABBIX_HEAD + struct.pack("<Q", len(text)) + text)
            if not asked.makefile("rb").read().startswith(ZABBIX_HEAD):
                raise OSError(f"{item}: this is no answer of Zabbix'")


@contextmanager
def polled(poll: Callable[[], None], every_s: float) -> Iterator[list[str]]:
    """Ask now and every `every_s` s until the block ends; what failed is in the list."""
    failed: list[str] = []
    ending = threading.Event()

    def ask() -> None:
        while True:
            try:
                poll()
            except OSError as error:
                failed.append(str(error))
            if ending.wait(every_s):
                return

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield failed
    finally:
        ending.set()
        thread.join()
