"""Tables of the perimeter: what spreadsheets write is read, and mistakes are named with line."""

from pathlib import Path

import pytest

from perimeter_case import HEAD, problems, write
from sobre_collector.indicators.moments import Stratum
from sobre_collector.perimeter.files import load_perimeter

SAME = "month;organisation;site;class;units;half_width\n2026-01;northtown;hall;printer;150;2,5\n"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(SAME, id="semicolons-and-decimal-comma"),
        pytest.param(SAME.replace("\n", "\r\n"), id="crlf"),
        pytest.param("\N{ZERO WIDTH NO-BREAK SPACE}" + SAME, id="byte-order-mark"),
        pytest.param("sep=;\r\n" + SAME, id="excel-names-the-separator"),
        pytest.param("# counted; by hand, twice\n\n" + SAME + "\n;;;;;\n", id="blank-and-comments"),
        pytest.param(SAME.replace("2,5\n", "2,5;;\n"), id="empty-columns-at-the-end"),
        pytest.param(SAME.replace("month;", " Month ;"), id="header-in-capitals"),
        pytest.param(SAME.rstrip("\n"), id="no-newline-at-the-end"),
        pytest.param(
            "month,organisation,site,class,units,half_width\n"
            '2026-01,"northtown",hall,printer,150,"2,5"\n',
            id="quoted-decimal-comma",
        ),
        pytest.param(
            "class,units,half_width,month,organisation,site\n"
            "printer,150,2.5,2026-01,northtown,hall\n",
            id="other-order",
        ),
    ],
)
def test_what_spreadsheets_write_is_read(tmp_path: Path, content: str) -> None:
    found = load_perimeter(write(tmp_path, {"inventory.csv": content}))
    assert found.inventory == {"2026-01": {Stratum("northtown", "hall", "printer"): (150.0, 2.5)}}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(
            HEAD + "2026-13,northtown,hall,printer,150,2\n",
            "inventory.csv:2: column 'month' is '2026-13'; write the month as 2026-11",
            id="month",
        ),
        pytest.param(
            HEAD + "nov.-26,northtown,hall,printer,150,2\n",
            "inventory.csv:2: column 'month' is 'nov.-26'; write the month as 2026-11 "
            "(in a spreadsheet: format the column as text)",
            id="month-that-excel-made",
        ),
        pytest.param(
            HEAD + "\n2026-01,nothtown,hall,printer,150,2\n",
            "inventory.csv:3: column 'organisation' is 'nothtown'; did you mean 'northtown'?",
            id="organisation",
        ),
        pytest.param(
            HEAD + "2026-01,northtown,depot,printer,150,2\n",
            "inventory.csv:2: column 'site' is 'depot'; unknown; it must stand in "
            "[[sites]] of perimeter.toml",
            id="site",
        ),
        pytest.param(
            HEAD + "2026-01,northtown,hall,laptop,150,2\n",
            "did you mean 'workstation.laptop'?",
            id="class",
        ),
        pytest.param(
            HEAD + "2026-01,northtown,hall,printer,-3,2\n",
            "column 'units' is '-3'; a number from 0 upwards is needed",
            id="negative",
        ),
        pytest.param(
            HEAD + "2026-01,northtown,hall,printer,NaN,2\n",
            "column 'units' is 'NaN'; a number such as 1234 or 12.5 is needed",
            id="not-a-number",
        ),
        pytest.param(
            HEAD + "2026-01,northtown,hall,printer,1 250,2\n",
            "column 'units' is '1 250'; write 1250 without thousands separators",
            id="thousands",
        ),
        pytest.param(
            HEAD + '2026-01,northtown,hall,printer,"1,250",2\n',
            "column 'units' is '1,250'; could be two numbers; write 1250 or 1.250",
            id="thousands-or-decimals",
        ),
        pytest.param(
            HEAD + "2026-01,northtown,hall,printer,150,2,5\n",
            "inventory.csv:2: 7 cells under 6 columns; quote a cell that holds the separator",
            id="decimal-comma-unquoted",
        ),
        pytest.param(
            HEAD + "2026-01,northtown,hall,printer,150\n",
            "inventory.csv:2: column 'half_width' is empty; fill it in",
            id="short-line",
        ),
        pytest.param(
            HEAD + 2 * "2026-01,northtown,hall,printer,150,2\n",
            "inventory.csv:3: 2026-01 / northtown / hall / printer stands already in "
            "inventory.csv:2; keep one",
            id="twice",
        ),
        pytest.param(
            HEAD.replace("units", "unit"),
            "inventory.csv:1: unknown column 'unit'; did you mean 'units'?",
            id="header",
        ),
        pytest.param(
            "month,organisation,site,class,units\n",
            "inventory.csv:1: column 'half_width' is missing; add it",
            id="column-missing",
        ),
        pytest.param(
            HEAD.replace("site", "class"), "column 'class' stands twice", id="column-twice"
        ),
        pytest.param("", "inventory.csv: is empty; its first line must be month,", id="empty"),
        pytest.param(HEAD + '"2026', "inventory.csv: is not valid CSV", id="open-quote"),
        pytest.param(
            HEAD.encode() + b"2026-01,northtown,h\xe4ll,printer,150,2\n",
            "inventory.csv:2: is not UTF-8; save it as",
            id="latin-1",
        ),
        pytest.param(HEAD.encode("utf-16"), "inventory.csv:1: is not UTF-8", id="utf-16"),
        pytest.param(b"\x00" * 50, "inventory.csv", id="zeros"),
    ],
)
def test_a_mistake_in_a_table_is_named_with_its_place(
    tmp_path: Path, content: str | bytes, told: str
) -> None:
    found = problems(write(tmp_path, {"inventory.csv": content}))
    assert any(told in problem for problem in found), found


def test_a_table_that_is_wrong_everywhere_does_not_scroll_the_rest_away(tmp_path: Path) -> None:
    wrong = HEAD + "".join(f"2026-01,northtown,hall,printer,x{n},2\n" for n in range(500))
    found = problems(write(tmp_path, {"inventory.csv": wrong}))
    assert len(found) == 51
    assert found[-1] == "inventory.csv: and 450 more mistakes; correct these first"
