"""An ordinary user sees their own PC; the agent's folder stays closed to them."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from sobre_agent import config as agent_config
from sobre_agent.cli import main
from sobre_agent.commands import me, once
from sobre_agent.commands.run import _Leaving
from sobre_agent.own import facts, figures, page
from sobre_agent.spool import FILE, Spool
from sobre_drivers.errors import StoreError

# What a user's process imports while it is still root here: a developer's Python may be private.
LOADED = (me, once, page)
NOBODY = 65_534
WITHIN_S = 20.0

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX rights")
as_root = pytest.mark.skipif(
    os.name == "nt" or os.getuid() != 0, reason="only root can become another user"
)


@pytest.fixture
def pc() -> Iterator[Path]:
    """A folder that every user may enter, as /etc, /var/lib and /run are."""
    folder = Path(tempfile.mkdtemp(prefix="sobre-pc-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def configured(pc: Path) -> Path:
    path = pc / "agent.toml"
    path.write_text(
        'organisation = "ville"\nsite = "mairie"\nnode = "pc-1"\n'
        f'[spool]\nfolder = "{pc / "spool"}"\n[host]\nsample_s = 1\n'
    )
    path.chmod(0o644)
    return path


def until(met: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + WITHIN_S
    while not met():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


@pytest.fixture
def lived(pc: Path) -> Path:
    """A PC on which an agent has run as a service, with the unit's umask and folders."""
    config, run = configured(pc), pc / "run"
    run.mkdir(mode=0o755)
    process = subprocess.Popen(
        [sys.executable, "-m", "sobre_agent", "run", "--config", str(config)],
        env={**os.environ, "RUNTIME_DIRECTORY": str(run)},
        umask=0o027,
        stderr=subprocess.DEVNULL,
    )
    try:
        until((run / facts.FILE).exists)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(WITHIN_S) == 0
    (pc / "spool").chmod(0o750)
    return pc


def as_nobody(work: Callable[[], int]) -> tuple[int, str]:
    """Do something as an unprivileged user: exit code, and what was printed."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.dup2(sender, 1)
            os.dup2(sender, 2)
            sys.stdout = os.fdopen(1, "w", closefd=False)
            sys.stderr = os.fdopen(2, "w", closefd=False)
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            code = work()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    os.close(sender)
    with os.fdopen(receiver, encoding="utf-8") as said:
        text = said.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), text


def refused(work: Callable[[], object]) -> int:
    try:
        work()
    except PermissionError:
        return 0
    return 1


@posix
def test_agent_leaves_its_users_a_file_that_they_may_read(lived: Path) -> None:
    path = lived / "run" / facts.FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [each.name for each in path.parent.iterdir()] == [facts.FILE]
    assert stat.S_IMODE((lived / "spool" / FILE).stat().st_mode) & 0o007 == 0


@posix
def test_what_users_may_see_is_sums_and_nothing_of_the_moment(lived: Path) -> None:
    told = json.loads((lived / "run" / facts.FILE).read_text("utf-8"))
    assert set(told) == {
        "v",
        "time",
        "timezone",
        "language",
        "hours",
        "device",
        "method",
        "origin",
        "uncertainty_ratio",
        "since",
        "days",
        "months",
        "confirmed",
        "waiting",
        "refused",
        "answered",
    }
    assert all(len(day) == 3 for day in told["days"])


@as_root
@pytest.mark.parametrize("config_for_all", [True, False], ids=["config-for-all", "config-private"])
def test_an_ordinary_user_sees_their_own_pc(
    lived: Path, monkeypatch: pytest.MonkeyPatch, config_for_all: bool
) -> None:
    monkeypatch.setattr(facts, "DEFAULT", lived / "run" / facts.FILE)
    config = lived / "agent.toml"
    config.chmod(0o644 if config_for_all else 0o600)
    words = ["me", "--config", str(config), "--lang", "en"]
    code, said = as_nobody(lambda: main(words))
    assert code == 0, said
    assert "What this PC (pc-1) used" in said
    # Root asks the spool itself, and is told the same.
    assert main(words) == 0


@as_root
def test_an_ordinary_user_makes_a_page_of_their_own(
    lived: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "DEFAULT", lived / "run" / facts.FILE)
    home = lived / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    path = home / "me.html"
    words = ["me", "--config", str(lived / "agent.toml"), "--page", str(path)]
    assert as_nobody(lambda: main(words)) == (0, f"{path}\n")
    assert (path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) == (NOBODY, 0o600)


@as_root
@pytest.mark.parametrize(
    ("left", "name"), [(True, "node pc-1 would"), (False, "this-pc is not its name")]
)
def test_an_ordinary_user_sees_what_would_be_sent_without_the_organisations_key(
    lived: Path, monkeypatch: pytest.MonkeyPatch, left: bool, name: str
) -> None:
    monkeypatch.setattr(once, "BETWEEN_S", 0.0)
    shown = lived / "run" / facts.FILE
    monkeypatch.setattr(facts, "DEFAULT", shown)
    if not left:
        shown.unlink()
    key, config = lived / "organisation.key", lived / "agent.toml"
    key.write_text("".join(map(chr, range(40, 100))))
    key.chmod(0o600)
    text = config.read_text().replace('node = "pc-1"', f'organisation_key_file = "{key}"')
    config.write_text(text)
    # What it imports on its way is loaded while this process may still read all of it.
    assert main(["once", "--config", str(config)]) == 0
    code, said = as_nobody(lambda: main(["once", "--config", str(config)]))
    assert (code, name in said) == (0, True), said
    assert "Nothing was sent" in said
    # A key that is not there is still a mistake.
    key.unlink()
    assert main(["once", "--config", str(config)]) == 2


@as_root
def test_an_ordinary_user_changes_nothing_and_looks_into_nothing(lived: Path) -> None:
    shown, spool = lived / "run" / facts.FILE, lived / "spool"
    for forbidden in (
        lambda: shown.write_text("{}"),
        shown.unlink,
        lambda: (shown.parent / "other").write_text(""),
        lambda: list(spool.iterdir()),
        (spool / FILE).read_bytes,
        lambda: (spool / "other").write_text(""),
        lambda: (lived / "agent.toml").write_text(""),
    ):
        assert as_nobody(lambda work=forbidden: refused(work))[0] == 0  # type: ignore[misc]


@as_root
def test_a_user_for_whom_nothing_was_left_is_told_why(
    lived: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "DEFAULT", lived / "run" / facts.FILE)
    (lived / "run" / facts.FILE).chmod(0o600)
    code, said = as_nobody(lambda: main(["me", "--config", str(lived / "agent.toml")]))
    assert code == 1
    assert "may not be read by you" in said
    assert "sudo -u sobre-agent" in said


@pytest.mark.parametrize(
    "text", ["", "[]", '{"v":2}', '{"v":1}'], ids=["empty", "list", "newer", "lacking"]
)
def test_a_file_that_is_none_of_ours_is_refused(pc: Path, text: str) -> None:
    path = pc / "own.json"
    path.write_text(text)
    with pytest.raises(StoreError, match="restart"):
        figures.of(facts.read(path), date(2026, 11, 24))


def test_without_a_place_nothing_is_left(pc: Path) -> None:
    config = agent_config.load(configured(pc))
    assert facts.place(config, {}) is None
    assert facts.place(config, {"RUNTIME_DIRECTORY": "/run/a:/run/b"}) == Path("/run/a/own.json")


def test_a_place_that_cannot_be_written_is_said_once_and_stops_nothing(
    pc: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = pc / "gone" / facts.FILE
    config = replace(agent_config.load(configured(pc)), own_figures=path)
    with closing(Spool(config.spool.folder)) as spool:
        leave = _Leaving(config, "pc-1", spool)
        for _ in range(3):
            leave(1_795_000_000.0)
        assert len(caplog.messages) == 1
        assert str(path) in caplog.text
        path.parent.mkdir()
        leave(1_795_000_000.0)
    assert facts.read(path)["device"] == "pc-1"
