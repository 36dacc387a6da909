"""What is published stays: frozen, chained, corrected by a version, computed again to the bit."""

import json
from dataclasses import replace
from hashlib import sha256
from math import sqrt
from pathlib import Path
from typing import Any

import pytest

from evidence_house import SIGNED, alter, house, publish, sobre
from report_fleet import LAPTOP
from sobre_collector.published.record import INTERVAL
from sobre_collector.report import figures
from sobre_collector.store.ledger import Ledger

Captured = pytest.CaptureFixture[str]
# Each field that method.md asks for in a record.
FIELDS = [
    "indicator_id",
    "libelle_fr",
    "version",
    "status",
    "perimeter_id",
    "entities_sha256",
    "baseline",
    "reporting",
    "users",
    "E_B",
    "routine_adj",
    "non_routine_adj",
    "E_star",
    "E_R",
    "R",
    "ci_level",
    "ci_low",
    "ci_high",
    "ci_method",
    "share_mesure",
    "share_estime",
    "share_extrapole",
    "coverage",
    "anomalies",
    "sensitivity",
    "method_doc_version",
    "software_version",
    "software_commit",
    "input_snapshot_hash",
    "config_hash",
    "generated_at",
]


def records(folder: Path) -> list[dict[str, Any]]:
    ledger = Ledger(folder / "ledger.db", readonly=True)
    found = [json.loads(one.content_json) for one in ledger.results()]
    ledger.close()
    return found


def test_a_record_holds_what_an_audit_asks_for(tmp_path: Path, capsys: Captured) -> None:
    folder = house(tmp_path)
    north = ("--kwh", "-5000", "--u-kwh", "500", "--from", "2024-03-01", "--evidence", "lease")
    assert sobre(folder, "adjust", "add", "north", *north, *SIGNED) == 0
    assert publish(folder) == 0
    assert "-10.9 %" in capsys.readouterr().out
    (found,) = records(folder)
    assert [name for name in FIELDS if name not in found] == []
    # 60,000·1.1 + 40,000 − 5,000; laptops double (half of them are monitored), the server not.
    assert found["E_star"] == pytest.approx(101_000)
    assert found["E_R"] == pytest.approx(12 * (2 * 2_250 + 3_000))
    assert found["R"] == pytest.approx(1 - 90_000 / 101_000)
    assert found["ci_low"] < found["R"] < found["ci_high"]
    assert (found["version"], found["status"], found["corrects"]) == (1, "published", None)
    assert found["baseline"]["value_kwh"] == 100_000
    assert found["baseline"]["u"] == pytest.approx(3_000 / sqrt(3))
    (document,) = found["baseline"]["documents"]
    assert document == {"document": "bilan.pdf", "sha256": sha256(b"a balance").hexdigest()}
    (adjustment,) = found["non_routine_adj"]
    assert (adjustment["kwh"], adjustment["approver"]) == (-5000, "head of energy")
    assert found["routine_adj"][0]["factor"] == pytest.approx(1.06)
    assert found["entities"] == ["bx"]
    assert found["ci_method"] == INTERVAL


def test_a_result_keeps_no_folder_of_the_machine(tmp_path: Path) -> None:
    hashes = []
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        folder = house(tmp_path / name)
        toml = folder / "perimeter.toml"
        toml.write_text(toml.read_text("utf-8") + 'metering = "metering.csv"\n', "utf-8")
        header = "node,device,fed_by_node,fed_by,counts,since,until\n"
        (folder / "metering.csv").write_text(header + "dc,pdu,,feeder,no,,\ndc,feeder,,,yes,,\n")
        assert publish(folder) == 0
        assert sobre(folder, "recompute") == 0
        hashes.append(records(folder)[0]["config_hash"])
        ledger = Ledger(folder / "ledger.db", readonly=True)
        texts = [ledger.published.input(key) for key in records(folder)[0]["inputs"].values()]
        ledger.close()
        assert not any(str(tmp_path) in text for text in texts)
    assert hashes[0] == hashes[1]


def test_a_correction_is_a_new_version_with_a_reason(tmp_path: Path, capsys: Captured) -> None:
    folder = house(tmp_path)
    assert publish(folder) == 0
    assert publish(folder) == 2
    assert "was published as result 1" in capsys.readouterr().err
    assert publish(folder, "--reason", "a typing error") == 0
    first, second = records(folder)
    assert (second["version"], second["status"], second["corrects"]) == (2, "corrected", 1)
    assert second["reason"] == "a typing error"
    assert (first["version"], first["status"]) == (1, "published")


def test_another_baseline_is_a_new_version_with_a_reason(tmp_path: Path, capsys: Captured) -> None:
    folder = house(tmp_path)
    assert publish(folder) == 0
    baseline = folder / "baseline.csv"
    baseline.write_text(baseline.read_text().replace("60000", "61000"))
    assert publish(folder, "--reason", "the baseline") == 2
    assert "rows, value_kwh differ from version 1" in capsys.readouterr().err
    assert len(records(folder)) == 1
    why = ("--reason", "the baseline", "--baseline-reason", "meter found")
    assert publish(folder, *why) == 0
    assert [one["baseline"]["version"] for one in records(folder)] == [1, 2]
    # A document that was replaced is another baseline too, though no figure differs.
    (folder / "bilan.pdf").write_bytes(b"another balance")
    assert publish(folder, "--reason", "again") == 2
    assert "documents differ" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("column", "shown"),
    [("document", "bx / server"), ("half_width_kwh", "state how far")],
    ids=["no-evidence", "no-uncertainty"],
)
def test_a_baseline_without_evidence_is_named(
    tmp_path: Path, capsys: Captured, column: str, shown: str
) -> None:
    folder = house(tmp_path)
    cells = {"document": "bx,server,40000,1200,", "half_width_kwh": "bx,server,40000,0,bilan.pdf"}
    baseline = folder / "baseline.csv"
    kept = [line for line in baseline.read_text().splitlines() if "server" not in line]
    baseline.write_text("\n".join([*kept, cells[column], ""]))
    code = sobre(folder, "report", "--year", "2024", "--json")
    printed = capsys.readouterr()
    if column == "half_width_kwh":
        assert (code, shown in printed.err) == (2, True)
        return
    notes = {note["code"]: note["values"] for note in json.loads(printed.out)["notes"]}
    assert notes["baseline-rows"]["names"] == shown
    assert publish(folder) == 0
    ledger = Ledger(folder / "ledger.db", readonly=True)
    (version,) = ledger.baselines.all()
    ledger.close()
    assert version.facts["without_document"] == [["bx", "server"]]


def test_the_list_reads_as_sentences(tmp_path: Path, capsys: Captured) -> None:
    folder = house(tmp_path)
    assert publish(folder) == 0
    capsys.readouterr()
    assert sobre(folder, "publish") == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith("baseline version 1, ")
    assert "; the first version; sha256 " in line


def test_holes_of_the_head_count_are_named(tmp_path: Path, capsys: Captured) -> None:
    folder = house(tmp_path)
    months = [f"{year}-{m:02}" for year in (2022, 2024) for m in range(1, 13)]
    rows = [f"{m},bx,1000,10" for m in months if m not in ("2022-05", "2024-07", "2024-08")]
    header = "month,organisation,users,half_width"
    (folder / "headcount.csv").write_text("\n".join([header, *rows, ""]))
    sobre(folder, "report", "--year", "2024", "--json")
    found = json.loads(capsys.readouterr().out)
    (hole,) = [note for note in found["notes"] if note["code"] == "headcount-carried"]
    assert hole["values"] == {"count": 3, "names": "bx 2022-05, 2024-07 – 2024-08"}


def test_a_result_is_computed_again_after_the_perimeter_changed(
    tmp_path: Path, capsys: Captured
) -> None:
    folder = house(tmp_path)
    assert publish(folder) == 0
    (folder / "headcount.csv").write_text(
        "month,organisation,users,half_width\n2022-01,bx,500,10\n"
    )
    (folder / "baseline.csv").unlink()
    capsys.readouterr()
    assert sobre(folder, "recompute", "1") == 0
    assert "all equal to the last bit" in capsys.readouterr().out
    assert sobre(folder, "recompute", "7") == 1
    assert "never published; there are 1" in capsys.readouterr().err


def test_a_month_that_changed_is_named_with_what_it_would_change(
    tmp_path: Path, capsys: Captured
) -> None:
    folder = house(tmp_path)
    assert publish(folder) == 0
    alter(
        folder,
        "UPDATE months SET content = replace(content, '2250.0', '2150.0')"
        " WHERE month = '2024-05' AND class = 'workstation.laptop'",
    )
    capsys.readouterr()
    assert sobre(folder, "recompute", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["equal"]
    assert found["months_changed"] == ["months 2024-05: bx / hdv / workstation.laptop"]
    paths = {path for path, *_ in found["differences_from_months"]}
    assert "result.reduction_ratio" in paths
    assert sobre(folder, "recompute") == 1
    assert "not what it was published from" in capsys.readouterr().out


def test_what_is_recorded_later_changes_no_result_and_is_named(
    tmp_path: Path, capsys: Captured
) -> None:
    folder = house(tmp_path)
    assert publish(folder) == 0
    north = ("--kwh", "-5000", "--u-kwh", "500", "--from", "2024-03-01", "--evidence", "lease")
    assert sobre(folder, "adjust", "add", "north", *north, *SIGNED) == 0
    capsys.readouterr()
    assert sobre(folder, "recompute", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["equal"], found["known_otherwise"]) == (True, ["adjustments"])


def test_a_program_that_computes_otherwise_is_told_from_changed_inputs(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = house(tmp_path)
    assert publish(folder) == 0
    right = figures._result

    def wrong(found: Any) -> Any:
        made = right(found)
        return replace(made, reduction_ratio=made.reduction_ratio + 2**-50)

    monkeypatch.setattr(figures, "_result", wrong)
    capsys.readouterr()
    assert sobre(folder, "recompute") == 1
    told = capsys.readouterr().out
    assert "1 of" in told
    assert "result.reduction_ratio" in told
    assert "the inputs are those that were frozen" in told


@pytest.mark.parametrize(
    ("sql", "triggers", "named"),
    [
        pytest.param(
            "UPDATE results SET content_json = replace(content_json, '\"E_R\": 9', '\"E_R\": 8')",
            ["results_stay"],
            "result 1 (elec.reduction) is not what was published",
            id="result",
        ),
        pytest.param(
            "UPDATE inputs SET content = replace(content, '1100.0', '1200.0')"
            " WHERE content LIKE '%1100.0%'",
            ["inputs_update"],
            "is not what was frozen",
            id="input",
        ),
        pytest.param(
            "DELETE FROM inputs WHERE content LIKE '%1100.0%'",
            ["inputs_delete"],
            "is not there",
            id="input-removed",
        ),
        pytest.param(
            "UPDATE adjustments SET content = replace(content, '-5000', '-6000')",
            ["adjustments_update"],
            "adjustments 1 (north) is not what was added",
            id="adjustment",
        ),
        pytest.param(
            "UPDATE adjustments SET at = at + 1",
            ["adjustments_update"],
            "adjustments 1 (north) is not what was added",
            id="adjustment-dated-otherwise",
        ),
        pytest.param(
            "DELETE FROM adjustments",
            ["adjustments_delete"],
            "result 1: names adjustment",
            id="last-adjustment-removed",
        ),
        pytest.param(
            "UPDATE baselines SET content = replace(content, '40000', '50000')",
            ["baselines_update"],
            "baselines 1 (of 2022) is not what was added",
            id="baseline",
        ),
    ],
)
def test_an_altered_row_is_found(
    tmp_path: Path, capsys: Captured, sql: str, triggers: list[str], named: str
) -> None:
    folder = house(tmp_path)
    north = ("--kwh", "-5000", "--u-kwh", "500", "--from", "2024-03-01", "--evidence", "lease")
    assert sobre(folder, "adjust", "add", "north", *north, *SIGNED) == 0
    assert publish(folder) == 0
    assert sobre(folder, "recompute") == 0
    capsys.readouterr()
    alter(folder, sql, triggers)
    assert sobre(folder, "recompute") == 1
    assert named in capsys.readouterr().err


def test_each_byte_of_a_published_result_is_held(tmp_path: Path, capsys: Captured) -> None:
    folder = house(tmp_path)
    assert publish(folder) == 0
    ledger = Ledger(folder / "ledger.db", readonly=True)
    length = len(ledger.results()[0].content_json)
    ledger.close()
    alter(
        folder,
        f"UPDATE results SET content_json = substr(content_json, 1, {length // 2}) || char(1 + "
        f"unicode(substr(content_json, {length // 2 + 1}, 1))) || substr(content_json,"
        f" {length // 2 + 2})",
        ["results_stay"],
    )
    for command in ("recompute", "publish"):
        assert sobre(folder, command) == 1
        assert "is not what was published" in capsys.readouterr().err


def test_open_months_can_only_be_frozen_as_a_draft(tmp_path: Path, capsys: Captured) -> None:
    folder = house(tmp_path, closed=False)
    assert publish(folder) == 1
    assert "2024-01, 2024-02" in capsys.readouterr().err
    assert publish(folder, "--draft") == 0
    ledger = Ledger(folder / "ledger.db")
    for month in range(1, 13):
        ledger.close_month(f"2024-{month:02}", 1)
    ledger.close()
    # A draft was not out, so what follows it corrects nothing.
    assert publish(folder) == 0
    assert [one["status"] for one in records(folder)] == ["draft", "published"]


def test_what_is_insufficient_is_not_published(tmp_path: Path, capsys: Captured) -> None:
    folder = house(tmp_path)
    for name in ("server", "workstation.laptop"):
        alter(folder, f"DELETE FROM months WHERE month = '2024-05' AND class = '{name}'")
    assert publish(folder) == 1
    told = capsys.readouterr().err
    assert "insufficient" in told
    assert "May 2024" in told
    assert records(folder) == []


@pytest.mark.parametrize("by", ["", "jo@example.org"], ids=["nobody", "a-person"])
def test_a_role_publishes(tmp_path: Path, by: str) -> None:
    folder = house(tmp_path)
    assert sobre(folder, "publish", "2024", "--by", by) == 2


def test_an_inventory_smaller_than_what_reports_is_in_the_record(tmp_path: Path) -> None:
    folder = house(tmp_path)
    inventory = folder / "inventory.csv"
    inventory.write_text(inventory.read_text().replace("laptop,200", "laptop,90"))
    assert publish(folder) == 0
    (found,) = records(folder)
    assert found["anomalies"]["flags"]["inventory-too-small"] == 12
    (laptops,) = [one for one in found["coverage"] if one["device_class"] == LAPTOP.device_class]
    assert "inventory-too-small" in laptops["flags"]
