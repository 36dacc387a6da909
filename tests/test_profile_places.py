"""Where in a file a mistake stands, by line."""

import pytest

from sobre_drivers.meters.commissioning.places import line_of, placed

TEXT = """maker = "Acme"
# [[part]] in a comment
serial = { address = 3 }

[identify]
exists = "1.3"

[[part]]
power = { address = 1, typ = "x" }

[part.shown]
voltage = { address = 2 }

[[part]]
name = "o-{n}"
energy = {
    address = 4,
    unit = "kW",
}
[part.shown.current]
address = 5
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("maker", 1),
        ("serial.address", 3),
        ("identify.exists", 6),
        ("part[0].power.typ", 9),
        ("part[0].shown.voltage.address", 12),
        ("part[1].name", 15),
        ("part[1].energy.unit", 18),
        ("part[1].shown.current.address", 21),
        ("part[1].count", 14),
        ("part[2]", None),
        ("model", None),
        ("3 is not a key", None),
    ],
)
def test_a_key_is_found_by_its_path(path: str, line: int | None) -> None:
    assert line_of(TEXT, path) == line


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (
            "f.toml: unknown key 'part[0].power.typ'; did",
            "f.toml:9: unknown key 'part[0].power.typ'; did",
        ),
        ("f.toml: part[1].energy.unit is 'kW'", "f.toml:18: part[1].energy.unit is 'kW'"),
        ("f.toml: 'model' is missing; add it", "f.toml: 'model' is missing; add it"),
        ("f.toml: not valid TOML: (at line 3)", "f.toml: not valid TOML: (at line 3)"),
        ("other: 'maker' is 3", "other: 'maker' is 3"),
    ],
)
def test_a_problem_is_given_its_line(problem: str, told: str) -> None:
    assert placed(problem, "f.toml", TEXT) == told
