"""docs/devices.md says of every profile what the profile and its capture say now."""

import re
from pathlib import Path

import pytest

from devices.document import DOCUMENT, END, START, table, within, write
from sobre_drivers.meters import catalog

NAME = re.compile(r"\[`([a-z0-9.-]+)`\]\(\.\./drivers/")


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]


def shown() -> dict[str, list[str]]:
    """The cells of each profile's row, as the committed page has them."""
    rows = within(DOCUMENT.read_text("utf-8")).splitlines()
    return {found[1]: cells(row) for row in rows if (found := NAME.search(row))}


def test_the_table_is_that_of_the_profiles_and_captures_of_now() -> None:
    assert within(DOCUMENT.read_text("utf-8")) == table(), "run `make devices`"


def test_every_profile_that_ships_has_its_row_and_no_row_is_without_a_profile() -> None:
    assert shown().keys() == catalog.paths().keys()


# Read off the profiles and captures by hand: a table of nonsense must not agree with itself.
@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param(
            "eastron-sdm120",
            ["modbus", "register", "1", "±1 %", "two sources", "made up"],
            id="register",
        ),
        pytest.param(
            "raritan-px", ["modbus", "power", "≤ 25", "", "**unconfirmed**", "made up"], id="power"
        ),
        pytest.param(
            "eastron-sdm72", ["modbus", "register", "1", "±1 %", "two sources", "as read"]
        ),
        pytest.param("linky", ["tic", "register", "1", "±2 %", "a real one", ""], id="no-capture"),
        pytest.param(
            "printer", ["snmp", "state", "1", "±60 %", "a real one", "made up"], id="state"
        ),
    ],
)
def test_a_row_says_what_is_measured_how_well_and_how_we_know(name: str, said: list[str]) -> None:
    *facts, capture = shown()[name][2:]
    assert [*facts, re.sub(r"^\[([^]]*)\].*", r"\1", capture)] == said


def test_every_model_whose_registers_are_in_doubt_is_said_to_be() -> None:
    doubtful = {
        name
        for name, path in catalog.paths().items()
        if catalog.about(path).confirmed == "unconfirmed"
    }
    assert {name for name, row in shown().items() if row[6] == "**unconfirmed**"} == doubtful


def test_what_stands_between_the_markers_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "devices.md"
    page.write_text(f"before\n{START}\nold\n{END}\nafter\n", "utf-8")
    write(page)
    assert page.read_text("utf-8") == f"before\n{START}\n{table()}\n{END}\nafter\n"


@pytest.mark.parametrize(
    "text",
    [
        "no markers",
        f"{START}\nonly the first",
        f"{END}\n{START}",
        f"{START}\n{START}\n{END}",
        f"{START}\n{END}\n{END}",
    ],
    ids=["none", "no-end", "wrong-way-round", "two-starts", "two-ends"],
)
def test_a_page_without_its_markers_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="needed once each"):
        within(text)
