"""Perimeter files: what is right is read, what is wrong is named with its place, all at once."""

from datetime import date
from pathlib import Path

import pytest

from perimeter_case import HEAD, TOML, problems, write
from sobre_collector.indicators.moments import Stratum
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.perimeter.files import load_perimeter
from sobre_collector.rows import Key


def test_right_files_are_read(tmp_path: Path) -> None:
    found = load_perimeter(write(tmp_path, {}))
    assert found.inventory == {"2026-01": {Stratum("northtown", "hall", "printer"): (150.0, 2.0)}}
    assert found.headcount == {"2026-01": {"northtown": (2760.0, 15.0)}}
    assert [(row.kwh, row.document) for row in found.baseline.rows] == [(18400.0, "Bill 12")]
    assert [(link.key, link.fed_by, link.counts) for link in found.metering] == [
        (Key("dc", "feeder"), None, False),
        (Key("dc", "pdu"), Key("dc", "feeder"), False),
        (Key("srv", "srv"), Key("dc", "pdu"), True),
    ]
    assert found.metering[1].since == date(2024, 1, 1)
    assert (found.target.reduction_ratio, found.target.year) == (0.15, 2026)
    assert (found.user_factor["monitor"], found.user_factor["server"]) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        pytest.param(
            "baseline.csv",
            "organisation,class,kwh,half_width_kwh,document\nnorthtown,printer,18400,0,Bill\n",
            "baseline.csv:2: column 'half_width_kwh' is 0; state how far",
            id="baseline-without-error",
        ),
        pytest.param(
            "baseline.csv",
            "organisation,class,kwh,half_width_kwh\nnorthtown,printer,18400,0\n",
            "baseline.csv:2: column 'half_width_kwh' is 0",
            id="baseline-without-error-or-evidence",
        ),
        pytest.param(
            "headcount.csv",
            "month,organisation,users,half_width\n2026-01,southtown,5,0\n",
            "did you mean 'northtown'?",
            id="headcount-organisation",
        ),
        pytest.param(
            "metering.csv",
            "node,device,fed_by,counts\ndc,pdu,feeder,yes\n",
            "metering.csv:2: pdu (node dc) is fed by feeder (node dc), which is no device",
            id="unknown-feeder",
        ),
        pytest.param(
            "metering.csv",
            "node,device,fed_by,counts\ndc,a,b,no\ndc,b,a,no\n",
            "metering.csv:2: feeders in a ring: a (node dc) ← b (node dc) ← a (node dc)",
            id="ring",
        ),
        pytest.param(
            "metering.csv",
            "node,device,fed_by,counts\ndc,top,,yes\ndc,mid,top,no\ndc,low,mid,yes\n",
            "metering.csv:4: low (node dc) counts, and so does top (node dc), which feeds it: "
            "low (node dc) ← mid (node dc) ← top (node dc); set counts = no",
            id="counted-twice",
        ),
        pytest.param(
            "metering.csv",
            "node,device,counts,since,until\ndc,a,yes,,2024-06-30\ndc,a,no,2024-06-30,\n",
            "metering.csv:3: a (node dc) stands here and in",
            id="overlap",
        ),
        pytest.param(
            "metering.csv",
            "node,device,counts,since\ndc,a,maybe,30/06/2024\n",
            "metering.csv:2: column 'counts' is 'maybe'; write yes or no",
            id="yes-or-no",
        ),
        pytest.param(
            "metering.csv",
            "node,device,counts\ndc,PDU A3,yes\n",
            "metering.csv:2: column 'device' is 'PDU A3'; a device id is needed",
            id="device-id",
        ),
        pytest.param(
            "perimeter.toml",
            TOML.replace("[baseline]\nyear = 2022", "[baseline]"),
            "perimeter.toml: 'baseline.year' is missing; add it",
            id="baseline-year-has-no-default",
        ),
        pytest.param(
            "perimeter.toml",
            TOML.replace('"declared"', '"measured"'),
            "files.baseline is needed unless baseline.kind is 'measured', and useless then",
            id="baseline-file-for-measured",
        ),
        pytest.param(
            "perimeter.toml",
            TOML.replace('"declared"', '"partial-year"'),
            "months and shares_year belong to kind = 'partial-year'; it needs both",
            id="partial-year-without-months",
        ),
        pytest.param(
            "perimeter.toml",
            'timezone = "Europe/Pari"\n' + TOML,
            "timezone 'Europe/Pari': write one such as Europe/Paris",
            id="timezone",
        ),
        pytest.param(
            "perimeter.toml",
            "publish_at_least = 5\n" + TOML,
            "publish_at_least 5: 10 or more",
            id="threshold-that-protects-nobody",
        ),
        pytest.param(
            "perimeter.toml",
            TOML + '[user_factor]\n"laptop" = 1.0\n',
            "user_factor: 'laptop' is no class",
            id="user-factor",
        ),
        pytest.param(
            "perimeter.toml",
            TOML + "[target]\nreduction_ratio = 15\n",
            "target.reduction_ratio 15.0: write 0.15 for a reduction of 15 %",
            id="percent-for-ratio",
        ),
        pytest.param(
            "perimeter.toml",
            TOML + "[target]\npth = 'linear'\n",
            "perimeter.toml: unknown key 'target.pth'; did you mean 'path'?",
            id="unknown-key",
        ),
        pytest.param(
            "perimeter.toml",
            TOML + "[working_hours]\nstart_h = 20\nend_h = 7\n",
            "working_hours.start_h 20 to end_h 7: write 7 and 20",
            id="working-hours",
        ),
        pytest.param(
            "perimeter.toml",
            TOML.replace('id = "hall"', 'id = "Hall 1"'),
            "id 'Hall 1': small letters",
            id="identifier",
        ),
    ],
)
def test_a_mistake_is_named_with_what_to_do(
    tmp_path: Path, name: str, content: str, told: str
) -> None:
    found = problems(write(tmp_path, {name: content}))
    assert any(told in problem for problem in found), found


def test_all_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {
            "perimeter.toml": TOML + "[target]\nyaer = 2026\n",
            "inventory.csv": HEAD + "2026,northtown,hal,printer,x,2\n",
            "metering.csv": "node,device,counts\ndc,a,perhaps\n",
        },
    )
    (tmp_path / "headcount.csv").unlink()
    places = [problem.split(": ")[0] for problem in problems(path)]
    assert places == ["perimeter.toml", *3 * ["inventory.csv:2"], "headcount.csv", "metering.csv:2"]


def test_tables_may_be_left_out(tmp_path: Path) -> None:
    toml = TOML[: TOML.index("[files]")].replace("declared", "measured")
    found = load_perimeter(write(tmp_path, {"perimeter.toml": toml}))
    assert isinstance(found, Perimeter)
    assert (found.inventory, found.headcount, found.metering) == ({}, {}, ())
