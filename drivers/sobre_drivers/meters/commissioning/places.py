"""Where in a TOML file a key stands that a problem names."""

import re
from collections.abc import Sequence

_HEAD = re.compile(r"\s*\[{1,2}\s*([\w.\"'-]+)\s*\]{1,2}\s*(?:#.*)?")
_KEY = re.compile(r"[a-z_]+(?:\[\d+\])?(?:\.[\w-]+(?:\[\d+\])?)*")
_STEP = re.compile(r"([\w-]+)(?:\[(\d+)\])?")


def placed(problem: str, file: str, text: str) -> str:
    """The problem (`FILE: what is wrong`) with the line as `FILE:12: …`, where one is found."""
    before = f"{file}: "
    if not problem.startswith(before):
        return problem
    said = problem.removeprefix(before)
    for word in re.findall(r"'([^']+)'", said)[:1] + said.split()[:1]:
        line = line_of(text, word)
        if line is not None:
            return f"{file}:{line}: {said}"
    return problem


def line_of(text: str, path: str) -> int | None:
    """The line, from 1, of `part[1].power.address`, or of the nearest key above that is there."""
    if not _KEY.fullmatch(path):
        return None
    steps = [(found[1], int(found[2] or 0)) for found in _STEP.finditer(path)]
    lines = text.splitlines()
    best: int | None = None
    start, end, deepest = 0, _section_end(lines, 0), 0
    for depth in range(1, len(steps) + 1):
        found = _header(lines, steps[:depth])
        if found is not None:
            start, end, best = found + 1, _section_end(lines, found + 1), found + 1
            deepest = depth
    names = [name for name, _ in steps[deepest:]]
    for at in range(start, end):
        plain = lines[at].split("#")[0]
        if names and re.match(rf"\s*[\"']?{re.escape(names[0])}[\"']?\s*[.=]", plain):
            return at + 1 + _below(lines[at:end], names[1:])
    return best


def _below(lines: Sequence[str], names: Sequence[str]) -> int:
    """How many lines further down the last name stands, within a value of several lines."""
    if not names or lines[0].rstrip()[-1:] not in "[{,":
        return 0
    for down, line in enumerate(lines):
        if re.search(rf"\b{re.escape(names[-1])}\b\s*=", line):
            return down
    return 0


def _header(lines: Sequence[str], steps: Sequence[tuple[str, int]]) -> int | None:
    """The line of `[a.b]`, or of the n-th `[[a]]` and what follows it."""
    wanted = ".".join(name for name, _ in steps)
    *above, (_, number) = steps
    first = 0
    # Tables between may be left out: `[part.shown.voltage]` needs no `[part.shown]`.
    for depth in range(len(above), 0, -1):
        parent = _header(lines, above[:depth])
        if parent is not None:
            first = parent
            break
    seen = -1
    for at in range(first, len(lines)):
        head = _HEAD.fullmatch(lines[at])
        if head is None or head[1] != wanted:
            continue
        seen += 1
        if seen == number:
            return at
    return None


def _section_end(lines: Sequence[str], start: int) -> int:
    return next((at for at in range(start, len(lines)) if _HEAD.fullmatch(lines[at])), len(lines))
