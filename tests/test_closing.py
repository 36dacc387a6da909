"""While a month is closed nothing comes in: what was on its way is late, and counted as such."""

from pathlib import Path
from threading import Thread

from collected import PERIMETER
from intake_house import NOW, batch, born, load, opened
from sobre_collector.conservation import check, check_in_words
from sobre_collector.duties import House, close_month


def test_load_that_comes_while_its_month_is_closed_is_late(tmp_path: Path) -> None:
    with opened(tmp_path) as here:
        here.intake.take([born("r", "d", "pdu"), batch(load(1, "d"), node="r")])
        late = batch(load(2, "d"), node="r", number=8)
        threads: list[Thread] = []

        def comes(step: str) -> None:
            if step == "before-close":
                assert here.intake.paused().locked()
                threads.append(Thread(target=here.intake.take, args=([late],)))
                threads[0].start()

        house = House(
            here.series,
            here.ledger,
            PERIMETER,
            check=check_in_words,
            paused=here.intake.paused,
            crash=comes,
        )
        close_month(house, NOW + 60 * 86_400, "2026-11")
        threads[0].join()
        assert here.stored() == [("d", 1)]
        assert here.aside() == [("late", 2)]
        assert here.ledger.late() == {"2026-11": (1, 6_000)}
        balance = check(here.series, here.ledger)
        assert (balance.stored_j, balance.late_j, balance.exact) == (6_000, 6_000, True)
