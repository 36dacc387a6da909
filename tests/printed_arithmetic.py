"""Works out again what is printed: of "formula = numbers = result" the last two must agree."""

import re
from itertools import pairwise
from math import sqrt

import pytest

_UNITS = re.compile(r"\s*(kWh²?|kgCO₂e|€)(?=$|[\s)])")
_PURE = re.compile(r"^(?=.*\d)(?:sqrt|[\d.+\-*/() ])+$")


def expression(text: str) -> float | None:
    """What a text of numbers and signs comes to; None where it holds a letter."""
    bare = _UNITS.sub("", re.sub(r" \([^()\d]*\)$", "", text.strip())).replace(",", "")
    for shown, meant in (("×", "*"), ("·", "*"), ("−", "-"), ("²", "**2"), ("√", "sqrt")):
        bare = bare.replace(shown, meant)
    bare = bare.replace("[", "(").replace("]", ")")
    if not _PURE.match(bare) or bare.count("(") != bare.count(")"):
        return None
    return float(eval(bare, {"__builtins__": {}, "sqrt": sqrt}))


def checked(text: str) -> int:
    """How many printed results were worked out again; AssertionError at one that is not so."""
    count = 0
    for line in text.splitlines():
        for part in line.split(" ; "):
            sides = re.sub(r"^[^=]*?: ", "", part).split(" = ")
            for before, after in pairwise(sides):
                worked_out, printed = expression(before), expression(after)
                if worked_out is None or printed is None or before.strip() == after.strip():
                    continue
                decimals = len(re.sub(r"^[^.]*\.?", "", after.split(" ")[0]))
                allowed = pytest.approx(printed, rel=2e-5, abs=2 * 10.0**-decimals)
                assert worked_out == allowed, line
                count += 1
    return count
