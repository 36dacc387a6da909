"""What a phase of `make chaos` found, as a row of the summary."""

from collections import Counter
from dataclasses import dataclass, field

from faults.balance import Balance

HEAD = (
    "phase",
    "loads",
    "generated J",
    "stored J",
    "quarantined J",
    "lost J",
    "doubled J",
    "repeats absorbed",
    "drained in s",
    "faults",
)


@dataclass(frozen=True, slots=True)
class Result:
    """One phase: its balance, how often the collector got what it had, what was done to it."""

    name: str
    balance: Balance
    repeats: int
    drained_s: float
    faults: Counter[str] = field(default_factory=Counter)
    problems: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether no joule is missing and none doubled, and every other aim was met."""
        return self.balance.exact and not self.problems

    def cells(self) -> list[str]:
        """The row, as it stands in the table."""
        found = self.balance
        counts = [found.loads, found.generated_j, found.stored_j, found.quarantined_j]
        counts += [found.lost_j, found.doubled_j, self.repeats]
        said = ", ".join(f"{count} × {what}" for what, count in sorted(self.faults.items()))
        return [self.name, *(f"{n:,}" for n in counts), f"{self.drained_s:.1f}", said]


def total(results: list[Result]) -> Counter[str]:
    """All faults of all phases."""
    return sum((result.faults for result in results), Counter[str]())


def table(results: list[Result]) -> list[str]:
    """Lines of Markdown."""
    rows = [list(HEAD), ["---"] * len(HEAD), *(result.cells() for result in results)]
    return [f"| {' | '.join(row)} |" for row in rows]


def placed(text: str, lines: list[str]) -> str:
    """The document with what stands between its markers replaced."""
    begin, end = "<!-- chaos -->", "<!-- /chaos -->"
    before, rest = text.split(begin, 1)
    _, after = rest.split(end, 1)
    return "\n".join([f"{before}{begin}", "", *lines, "", f"{end}{after}"])
