"""What an explanation is made of: blocks of lines, and numbers with all digits that matter."""

from dataclasses import dataclass

from sobre_collector.report import notation
from sobre_collector.report.wording import Lang, say


@dataclass(frozen=True, slots=True)
class Block:
    """A heading and the lines under it."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Writer:
    """Numbers and words in one language; kWh to the Wh, so that a sum can be added again."""

    lang: Lang

    def number(self, value: float, decimals: int = 0) -> str:
        """A number with so many decimals."""
        return notation.number(value, self.lang, decimals)

    def kwh(self, value: float) -> str:
        """An energy in kWh, to the Wh."""
        return f"{notation.number(value, self.lang, 3)} kWh"

    def of(self, label: str) -> str:
        """A label with its colon, before which French leaves a space."""
        return f"{label}{chr(0xA0) if self.lang == 'fr' else ''}:"

    def percent(self, ratio: float, decimals: int = 0) -> str:
        """A ratio as a percentage."""
        return notation.percent(ratio, self.lang, decimals)

    def change(self, ratio: float) -> str:
        """A reduction as the evolution that is published, to the hundredth of a point."""
        return notation.change(0.0 - ratio, self.lang, 2)

    def say(self, key: str, **values: str | int) -> str:
        """A sentence of the explanations."""
        return say(self.lang, f"explain.{key}", **values)
