"""The 2.x path against what a real InfluxDB 2.7 answered to the same requests."""

from pathlib import Path

import pytest

from influx.exchanges import load_tape, replayed
from influx.scenarios import SCENARIOS, Place


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_was_recorded_is_asked_and_understood_again(name: str, tmp_path: Path) -> None:
    tape = load_tape(name)
    tape.tokens = {word: word for word in ("admin", "reads", "writes")}
    with replayed(tape) as url:
        try:
            SCENARIOS[name](Place(url, tmp_path, {}))
        finally:
            assert tape.wrong == []
    assert tape.at == len(tape.exchanges)
