"""The perimeter: counts that were not stated are carried, and say so; joules are counted once."""

from datetime import date

import pytest

from sobre_collector.indicators.moments import Stratum
from sobre_collector.perimeter.facts import (
    Baseline,
    Organisation,
    Perimeter,
    Users,
    months_of,
    remarks,
)
from sobre_collector.perimeter.metering import Link, counted, mistakes
from sobre_collector.rows import Key
from sobre_drivers.errors import ConfigError

PRINTERS = Stratum("northtown", "hall", "printer")
DAY = date(2026, 11, 24)


def test_a_month_that_was_not_stated_takes_the_one_before_it() -> None:
    stated = {"2026-01": {PRINTERS: (150.0, 2.0)}, "2026-06": {PRINTERS: (118.0, 2.0)}}
    perimeter = Perimeter(Baseline(2022, "measured"), inventory=stated)
    found = {month: perimeter.inventory_of(month) for month in ("2025-12", "2026-01", "2026-12")}
    assert (found["2025-12"].values, found["2025-12"].month) == ({}, None)
    assert (found["2026-01"].values[PRINTERS], found["2026-01"].carried) == ((150.0, 2.0), False)
    assert found["2026-12"].values[PRINTERS] == (118.0, 2.0)
    assert (found["2026-12"].month, found["2026-12"].carried) == ("2026-06", True)


def test_users_of_a_year_are_the_mean_of_its_twelve_month_ends() -> None:
    counts = {month: {"northtown": (100.0 + n, 6.0)} for n, month in enumerate(months_of(2026))}
    whole = Perimeter(Baseline(2022, "measured"), headcount=counts)
    assert whole.users_of("northtown", 2026) == Users(105.5, 6.0, 0)
    assert whole.users_of("northtown", 2027) == Users(111.0, 6.0, 12)
    assert whole.users_of("northtown", 2025) is None
    assert whole.users_of("riverside", 2026) is None
    del counts["2026-01"]
    assert (
        Perimeter(Baseline(2022, "measured"), headcount=counts).users_of("northtown", 2026) is None
    )


def test_the_constant_perimeter_holds_in_both_periods() -> None:
    organisations = (
        Organisation("always", "A"),
        Organisation("joined", "J", since="2024-03"),
        Organisation("left", "L", until="2025-12"),
    )
    perimeter = Perimeter(Baseline(2022, "measured"), organisations)
    assert [o.id for o in perimeter.constant("2022-01", "2026-12")] == ["always"]
    assert [o.id for o in perimeter.constant("2024-03", "2026-12")] == ["always", "joined"]


def test_what_weakens_the_figures_is_remarked() -> None:
    bare = Perimeter(Baseline(2022, "measured"))
    assert [line.split(":")[0] for line in remarks(bare)] == [
        "inventory",
        "headcount",
        "baseline",
        "users",
    ]
    sure = Perimeter(
        Baseline(2022, "measured"),
        inventory={"2026-01": {PRINTERS: (150.0, 0.0)}, "2026-02": {}},
        headcount={"2026-01": {"northtown": (5.0, 0.0)}},
        user_definition="accounts",
        user_source="directory",
    )
    told = "\n".join(remarks(sure))
    assert "1 strata claim to be counted without error" in told
    assert "stands in 2026-01 but not in 2026-02" in told
    assert "some counts claim no error" in told


def key(name: str) -> Key:
    return Key("dc", name)


def link(
    name: str,
    feeder: str | None = None,
    counts: bool = False,
    since: date | None = None,
    until: date | None = None,
) -> Link:
    return Link(key(name), key(feeder) if feeder else None, counts, since, until)


ALL = [key(name) for name in ("feeder", "pdu", "outlet", "server", "printer")]


@pytest.mark.parametrize(
    ("tree", "names"),
    [
        pytest.param((), "feeder pdu outlet server printer", id="no-tree-all-count"),
        pytest.param(
            (
                link("feeder"),
                link("pdu", "feeder"),
                link("outlet", "pdu", counts=True),
                link("server", "outlet"),
            ),
            "outlet printer",
            id="one-level-of-four",
        ),
        pytest.param(
            (
                link("feeder", counts=True),
                link("pdu", "feeder"),
                link("outlet", "pdu"),
                link("server", "outlet"),
            ),
            "feeder printer",
            id="the-top",
        ),
        pytest.param(
            (
                link("feeder"),
                link("pdu", "feeder", counts=True, until=date(2026, 11, 23)),
                link("outlet", counts=False),
                link("server", counts=False),
            ),
            "pdu printer",
            id="a-link-that-has-ended-says-nothing",
        ),
        pytest.param(
            (link("silent", counts=True), *(link(k.device, "silent") for k in ALL[:4])),
            "printer",
            id="a-silent-feeder-is-not-replaced-by-its-children",
        ),
    ],
)
def test_only_what_counts_is_counted(tree: tuple[Link, ...], names: str) -> None:
    assert counted(ALL, tree, DAY) == {key(name) for name in names.split()}


@pytest.mark.parametrize(
    ("tree", "told"),
    [
        pytest.param(
            (link("feeder", counts=True), link("outlet", "feeder", counts=True)),
            "outlet (node dc) counts, and so does feeder (node dc), which feeds it: "
            "outlet (node dc) ← feeder (node dc)",
            id="both-in-the-tree",
        ),
        pytest.param(
            (link("outlet", "pdu", counts=True),),
            "outlet (node dc) ← pdu (node dc)",
            id="a-feeder-outside-the-tree-counts",
        ),
        pytest.param(
            (
                link("feeder", counts=True),
                link("pdu", "feeder"),
                link("outlet", "pdu", counts=True),
            ),
            "outlet (node dc) ← pdu (node dc) ← feeder (node dc)",
            id="two-levels-up",
        ),
        pytest.param((link("outlet", "nobody"),), "is fed by nobody (node dc)", id="unknown"),
        pytest.param((link("pdu", "pdu"),), "pdu (node dc) ← pdu (node dc)", id="itself"),
        pytest.param(
            (link("a", "b"), link("b", "c"), link("c", "a"), link("outlet", "a")),
            "in a ring: a (node dc) ← b (node dc) ← c (node dc) ← a (node dc)",
            id="ring-of-three",
        ),
    ],
)
def test_a_joule_that_would_count_twice_is_refused(tree: tuple[Link, ...], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        counted(ALL, tree, DAY)
    (problem,) = caught.value.problems
    assert told in problem
    assert problem.endswith("(on 2026-11-24)")


def test_a_tree_is_judged_on_every_day_that_changes_it() -> None:
    tree = (
        link("feeder", counts=True, since=date(2027, 3, 1)),
        link("feeder", counts=False, until=date(2027, 2, 28)),
        link("outlet", "feeder", counts=True),
    )
    *rest, problem = mistakes(tree)
    assert rest == []
    assert problem.endswith("(on 2027-03-01)")
    ended = link("outlet", "feeder", counts=True, until=date(2027, 2, 28))
    assert mistakes((*tree[:2], ended)) == []


def test_a_feeder_may_be_put_in_later_than_what_it_feeds() -> None:
    tree = (link("pdu", since=date(2024, 1, 1)), link("outlet", "pdu", counts=True))
    assert mistakes(tree) == []
    assert counted([key("outlet")], tree, date(2023, 6, 1)) == {key("outlet")}
