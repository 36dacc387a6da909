"""The open-data bundle, held against the Frictionless specifications as we read them.

Data Package, Tabular Data Package, Tabular Data Resource, CSV Dialect and Table Schema, version 1:
what a descriptor must have stands here as a JSON Schema, what a cell must be as a function.
"""

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bench import strata
from report_fleet import FACTS, half_monitored, perimeter
from sobre_collector.commands.report import write
from sobre_collector.report.figures import report
from sobre_collector.report.model import Report
from sobre_collector.report.open_data import COLUMNS, FILES
from sobre_collector.report.sections import SECTIONS
from sobre_collector.report.source import load_report, place

TYPES = (
    "string", "number", "integer", "boolean", "object", "array", "date", "time", "datetime",
    "year", "yearmonth", "duration", "geopoint", "geojson", "any",
)  # fmt: skip
FIELD = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "type": {"enum": list(TYPES)},
        "title": {"type": "string"},
        "description": {"type": "string"},
        "decimalChar": {"type": "string"},
        "bareNumber": {"type": "boolean"},
        "trueValues": {"type": "array", "minItems": 1, "items": {"type": "string"}},
        "falseValues": {"type": "array", "minItems": 1, "items": {"type": "string"}},
    },
}
RESOURCE = {
    "type": "object",
    "required": ["profile", "name", "path", "schema"],
    "properties": {
        "profile": {"const": "tabular-data-resource"},
        "name": {"type": "string", "pattern": "^([-a-z0-9._/])+$"},
        # Relative to the descriptor, POSIX, neither hidden nor above it.
        "path": {"type": "string", "pattern": r"^(?!\.|/)(?!.*\.\./)[^\\]+$"},
        "encoding": {"type": "string"},
        "mediatype": {"type": "string", "pattern": "^(.+)/(.+)$"},
        "bytes": {"type": "integer", "minimum": 0},
        "hash": {"type": "string", "pattern": "^([^:]+:[a-fA-F0-9]+|[a-fA-F0-9]{32})$"},
        "dialect": {
            "type": "object",
            "properties": {
                "delimiter": {"type": "string"},
                "lineTerminator": {"enum": ["\r\n", "\n"]},
                "quoteChar": {"type": "string", "maxLength": 1},
                "header": {"type": "boolean"},
            },
        },
        "schema": {
            "type": "object",
            "required": ["fields"],
            "properties": {"fields": {"type": "array", "minItems": 1, "items": FIELD}},
        },
    },
}
PACKAGE = {
    "type": "object",
    "required": ["profile", "resources"],
    "properties": {
        "profile": {"const": "tabular-data-package"},
        "name": {"type": "string", "pattern": "^([-a-z0-9._/])+$"},
        "title": {"type": "string"},
        "description": {"type": "string"},
        "created": {"type": "string"},
        "version": {"type": "string"},
        "keywords": {"type": "array", "minItems": 1, "items": {"type": "string"}},
        "licenses": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "anyOf": [{"required": ["name"]}, {"required": ["path"]}]},
        },
        "resources": {"type": "array", "minItems": 1, "items": RESOURCE},
    },
}
NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?")
FITS: dict[str, Callable[[str], object]] = {
    "string": lambda cell: True,
    "number": NUMBER.fullmatch,
    "integer": re.compile(r"[-+]?\d+").fullmatch,
    "boolean": lambda cell: cell in ("true", "false"),
    "date": lambda cell: re.fullmatch(r"\d{4}-\d\d-\d\d", cell) and date.fromisoformat(cell),
    "year": re.compile(r"\d{4}").fullmatch,
    "yearmonth": re.compile(r"\d{4}-(0[1-9]|1[0-2])").fullmatch,
}


def plain() -> Report:
    return report(half_monitored(), perimeter(), 2025, FACTS)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A report of few organisations with every section that a report can have."""
    folder = tmp_path_factory.mktemp("strata")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strata, "ORGANISATIONS", 3)
        strata.written(folder)
    return load_report(place(None, folder), None, datetime(2026, 3, 1, tzinfo=UTC))


def told(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "datapackage.json").read_text("utf-8"))
    return found


@pytest.mark.parametrize("of", ["a reduction", "everything"])
def test_the_bundle_is_a_tabular_data_package_whose_files_are_what_it_says(
    tmp_path: Path, everything: Report, of: str
) -> None:
    files = write(everything if of == "everything" else plain(), tmp_path)
    package = told(tmp_path)
    problems = [error.message for error in Draft202012Validator(PACKAGE).iter_errors(package)]
    assert problems == []
    assert package["licenses"][0]["title"] == "Licence Ouverte 2.0"
    datetime.fromisoformat(package["created"])
    resources = {one["path"]: one for one in package["resources"]}
    assert resources.keys() == {path.name for path in files if path.suffix == ".csv"}
    assert len({one["name"] for one in resources.values()}) == len(resources)
    for name, resource in resources.items():
        content = (tmp_path / name).read_bytes()
        assert resource["bytes"] == len(content)
        assert resource["hash"] == f"sha256:{sha256(content).hexdigest()}"
        heads, *rows = csv.reader(io.StringIO(content.decode(resource["encoding"]), newline=""))
        fields = resource["schema"]["fields"]
        assert heads == [field["name"] for field in fields], name
        assert all(field["description"] for field in fields)
        assert rows or of != "everything", name
        for row in rows:
            assert len(row) == len(fields)
            for cell, field in zip(row, fields, strict=True):
                # An empty cell is a missing value, which the specification lets every type have.
                assert cell == "" or FITS[field["type"]](cell), (name, field["name"], cell)


def test_a_simulated_fleet_says_so_first(tmp_path: Path) -> None:
    write(replace(plain(), simulated=True), tmp_path)
    package = told(tmp_path)
    assert package["simulated"] is True
    assert package["description"].startswith("PARC SIMULÉ")


def test_the_package_tells_how_its_figures_came_about(tmp_path: Path) -> None:
    made = plain()
    write(made, tmp_path)
    package = told(tmp_path)
    assert package["method"]["inputs_sha256"] == made.provenance.input_sha256
    assert package["temporal"] == {"start": "2025-01-01", "end": "2025-12-31"}
    assert "à périmètre utilisateur constant depuis 2022" in package["description"]


def test_the_fleet_that_reports_are_timed_on_has_every_section(everything: Report) -> None:
    assert everything.sections.keys() == {section.NAME for section in SECTIONS}
    assert len(everything.sections["regression"].sites) == 1


def test_every_file_and_column_is_described_and_no_other(
    tmp_path: Path, everything: Report
) -> None:
    write(everything, tmp_path)
    resources = told(tmp_path)["resources"]
    assert {one["path"] for one in resources} == FILES.keys()
    assert {f["name"] for one in resources for f in one["schema"]["fields"]} == COLUMNS.keys()


def test_no_text_of_any_file_is_a_formula_and_numbers_stay_numbers(
    tmp_path: Path, everything: Report
) -> None:
    """Every cell is a number, or begins with nothing that a spreadsheet would run."""
    hostile = "=HYPERLINK(1)"
    write(replace(everything, perimeter=hostile), tmp_path)
    cells = [
        cell
        for path in tmp_path.glob("*.csv")
        for row in csv.reader(io.StringIO(path.read_text("utf-8"), newline=""))
        for cell in row
    ]
    assert f"'{hostile}" in cells
    running = [c for c in cells if c.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert [c for c in running if NUMBER.fullmatch(c) is None] == []
    assert any(c.startswith("-") for c in running)
