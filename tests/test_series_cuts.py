"""What is decided or forgotten while the power fails, or while a day is being built."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sobre_collector.rows import Arrival
from sobre_collector.store.file import SeriesFile
from sobre_collector.store.personal import Months
from sobre_collector.store.sqlite import SqliteSeries
from sobre_collector.store.streams import Streams
from test_series_faults import DECEMBER, PC, A, arrivals, load


def test_void_that_is_cut_in_the_middle_has_its_day_built_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    void = Arrival(PC.node, A, load(1, PC), True, DECEMBER, "void")
    with closing(SqliteSeries(tmp_path)) as series:
        series.append(arrivals(1, 3))
        series.put_days((), series.touched())
        plain = Streams.put
        calls: list[int] = []

        def cut(self: Streams, *words: Any) -> None:
            calls.append(1)
            if len(calls) == 2:
                raise InterruptedError
            plain(self, *words)

        monkeypatch.setattr(Streams, "put", cut)
        with pytest.raises(InterruptedError):
            series.rule([void])
    with closing(SqliteSeries(tmp_path)) as series:
        assert [q.reason for q in series.quarantined()] == ["void"]
        assert [touch.key for touch in series.touched()] == [PC]


def test_day_that_was_built_while_a_load_is_voided_is_built_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    void = Arrival(PC.node, A, load(1, PC), True, DECEMBER, "void")
    with closing(SqliteSeries(tmp_path)) as series:
        series.append(arrivals(1, 3))
        plain = SeriesFile.remove

        def meanwhile(self: SeriesFile, *words: Any) -> None:
            if self.path.name != "series.db":
                # A day that was read a moment ago is put now.
                series.put_days((), series.touched())
            plain(self, *words)

        monkeypatch.setattr(SeriesFile, "remove", meanwhile)
        assert series.rule([void]) == 1
        assert PC in [touch.key for touch in series.touched()]


def test_late_loads_are_counted_once_when_forgetting_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = Arrival(PC.node, A, load(1, PC), True, load(1, PC).end, "late")

    def cut(*_: Any) -> None:
        raise InterruptedError

    with closing(SqliteSeries(tmp_path)) as series:
        series.append([late])
        with monkeypatch.context() as patch:
            patch.setattr(Months, "drop", cut)
            for _ in range(2):
                with pytest.raises(InterruptedError):
                    series.forget("2026-11")
    with closing(SqliteSeries(tmp_path)) as series:
        series.forget("2026-11")
        assert series.late() == {"2026-11": (1, late.load.energy_j)}
