"""What the READMEs say of commands, options, files and settings, held against the real ones."""

import argparse
import re
import shlex
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

import sobre_agent.cli
import sobre_collector.cli
from sobre_agent.config import AgentConfig
from sobre_collector.config import CollectorConfig
from sobre_collector.perimeter.toml import PerimeterTable

ROOT = Path(__file__).parents[1]
FOLDERS = ("agent", "collector", "config", "deploy", "docs", "drivers", "tests")
PAGES = sorted([*ROOT.glob("*.md"), *(p for f in FOLDERS for p in (ROOT / f).rglob("*.md"))])
SOURCES = [
    path for name in ("agent", "collector", "drivers") for path in (ROOT / name).rglob("*.py")
]

PARSERS = {
    "sobre": sobre_collector.cli.parser(),
    "sobre-agent": sobre_agent.cli.parser(),
}
READMES = {"sobre": ROOT / "collector/README.md", "sobre-agent": ROOT / "agent/README.md"}

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^ {4}(\S.*)$", re.MULTILINE)
SPAN = re.compile(r"`([^`\n]+)`")
COMMAND = re.compile(
    r"^(?:\$ |sudo (?:-u \S+ )?)?(?:\S+/bin/)?((?:sobre-agent|sobre|make)(?: .*|$))"
)
VARIABLE = re.compile(r"\bSOBRE_[A-Z][A-Z_]*[A-Z]\b")
TARGET = re.compile(r"^([a-z]+):", re.MULTILINE)
# Folders that only exist on the machine where somebody wrote.
FOREIGN = re.compile(r"(?<![\w.])/(?:work|root|home|tmp)/|[A-Z]:\\Users", re.IGNORECASE)
LEFT_OVER = re.compile(r"\b(?:TODO|FIXME|XXX|TBD)\b")
FILE_ENDINGS = {"toml", "csv", "md", "db", "json", "conf", "pem", "key", "py", "service", "secrets"}

on_each_page = pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))


def commands(parser: argparse.ArgumentParser, path: str) -> Iterator[tuple[str, set[str]]]:
    """Every command under a parser, with its own long options."""
    options = {word for a in parser._actions for word in a.option_strings if word.startswith("--")}
    below = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if " " in path:
        yield path, options - {"--help"}
    for action in below:
        for name, sub in action.choices.items():
            yield from commands(sub, f"{path} {name}")


KNOWN = {name: dict(commands(parser, name)) for name, parser in PARSERS.items()}


def rows(program: str) -> dict[str, set[str]]:
    """Each command that has a row in its program's README, with the options in its second cell."""
    found = {}
    for line in READMES[program].read_text("utf-8").splitlines():
        cells = line.split("|")
        named = re.fullmatch(
            rf" `({program} [a-z -]+?)(?: [A-Z]+)*` ", cells[1] if len(cells) > 3 else ""
        )
        if named:
            found[named[1]] = set(re.findall(r"`(--[a-z-]+)`", cells[2]))
    return found


@pytest.mark.parametrize("program", READMES)
def test_every_command_has_its_row_and_no_row_is_without_a_command(program: str) -> None:
    assert rows(program).keys() == KNOWN[program].keys()


@pytest.mark.parametrize(
    ("program", "command"),
    [pytest.param(p, c, id=c) for p, known in KNOWN.items() for c in known],
)
def test_every_option_stands_beside_its_command_and_no_other_does(
    program: str, command: str
) -> None:
    assert rows(program).get(command) == KNOWN[program][command]


@on_each_page
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    targets = {link.partition("#")[0] for link in LINK.findall(page.read_text("utf-8"))}
    inside = [t for t in targets if t and "://" not in t and not t.startswith("mailto:")]
    assert [t for t in inside if not (page.parent / t).exists()] == []


def quoted(text: str) -> Iterator[str]:
    """Command lines of ours that a page shows, in blocks and in running text."""
    blocks = FENCED.findall(text)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    rest = FENCED.sub("", text)
    for line in [*lines, *INDENTED.findall(rest), *SPAN.findall(rest)]:
        found = COMMAND.match(line.strip())
        if found:
            yield found[1].split(" #")[0].strip()


def understood(line: str) -> bool:
    """Whether the program itself takes a command line, or it merely names one of its commands."""
    program, *words = shlex.split(line)
    if program == "make":
        return made(words)
    if not words or line in KNOWN[program]:
        return True
    try:
        PARSERS[program].parse_args(words)
    except SystemExit:
        return False
    return True


def made(words: list[str]) -> bool:
    """Whether make has these targets, and `sobre up` takes what `make run` hands to it."""
    given = dict(word.split("=", 1) for word in words if "=" in word)
    targets = [word for word in words if "=" not in word]
    known = set(TARGET.findall((ROOT / "Makefile").read_text("utf-8")))
    if not given.keys() <= {"ARGS", "PYTHON"} or not set(targets) <= known:
        return False
    return targets != ["run"] or understood(f"sobre up {given.get('ARGS', '')}")


@on_each_page
def test_every_command_line_is_one_that_its_program_takes(page: Path) -> None:
    lines = set(quoted(page.read_text("utf-8")))
    assert sorted(line for line in lines if not understood(line)) == []


@pytest.mark.parametrize(
    ("line", "right"),
    [
        pytest.param("sobre report --data var/up/demo --out bilan", True, id="whole"),
        pytest.param("sobre simulate", True, id="only-named"),
        pytest.param("sobre repport --data x", False, id="no-such-command"),
        pytest.param("sobre report --html", False, id="no-such-option"),
        pytest.param("sobre-agent meters read --host x", False, id="profile-missing"),
        pytest.param("make test ARGS='-k wire'", True, id="target"),
        pytest.param("make deploy", False, id="no-such-target"),
        pytest.param("make run ARGS=--fleet", False, id="no-such-option-of-up"),
        pytest.param("make run ARG=--demo", False, id="no-such-variable"),
    ],
)
def test_a_wrong_command_line_is_told_from_a_right_one(line: str, right: bool) -> None:
    assert understood(line) is right


def test_command_lines_are_found_wherever_they_stand() -> None:
    block = "```sh\n.venv/bin/sobre doctor \\\n--json # why\nsudo -u x sobre-agent me\n```\n"
    found = set(quoted(f"Run `sobre up`, not `sobre_up`:\n\n    make run # now\n\n{block}"))
    assert found == {"sobre up", "make run", "sobre doctor  --json", "sobre-agent me"}


def settings(kind: type[Any], above: str = "") -> Iterator[str]:
    """Every key that a settings dataclass takes, dotted; tables too."""
    for name, hint in get_type_hints(kind).items():
        yield f"{above}{name}"
        for inner in (hint, *get_args(hint)):
            if isinstance(inner, type) and is_dataclass(inner):
                yield from settings(inner, f"{above}{name}.")


KEYS = {key for kind in (AgentConfig, CollectorConfig, PerimeterTable) for key in settings(kind)}
TABLES = {key.partition(".")[0] for key in KEYS if "." in key}


@on_each_page
def test_every_environment_variable_is_one_that_the_code_reads(page: Path) -> None:
    literal = {name for path in SOURCES for name in VARIABLE.findall(path.read_text("utf-8"))}
    known = literal | {"SOBRE_" + key.replace(".", "__").upper() for key in KEYS}
    mentioned = set(VARIABLE.findall(page.read_text("utf-8")))
    assert mentioned - known == set()


@on_each_page
def test_every_setting_is_one_that_the_code_takes(page: Path) -> None:
    named = {
        span for span in SPAN.findall(page.read_text("utf-8")) if re.fullmatch(r"[a-z_.]+", span)
    }
    dotted = {
        key
        for key in named
        if key.partition(".")[0] in TABLES
        and "." in key
        and key.rpartition(".")[2] not in FILE_ENDINGS
    }
    assert dotted - KEYS == set()


@on_each_page
def test_no_page_names_a_folder_of_ones_own_machine_or_leaves_work_undone(page: Path) -> None:
    text = page.read_text("utf-8")
    assert FOREIGN.findall(text) == []
    assert LEFT_OVER.findall(text) == []


@pytest.mark.parametrize(
    "name", ["README.md", "agent/README.md", "collector/README.md", "docs/README.md"]
)
def test_the_first_screen_of_each_audience_shows_what_to_type(name: str) -> None:
    first_screen = "\n".join((ROOT / name).read_text("utf-8").splitlines()[:25])
    assert [line for line in quoted(first_screen) if line.startswith("make run")]
