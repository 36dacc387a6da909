"""Registers by which a model is recognised: an identification code, or its name as a text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

MAX_WORDS = 40
_TOP = 0x10000


@dataclass(frozen=True, slots=True)
class Identify:
    """The register at `address` (from 0) holds one of `equals`, or `words` from there a `text`.

    A text, or any of several `texts`, is looked for anywhere in them, small letters and capitals
    alike. `function` overrides the profile's.
    """

    address: int
    equals: tuple[int, ...] = ()
    text: str = ""
    texts: tuple[str, ...] = ()
    words: int = 1
    function: Literal[3, 4] | None = None

    def __post_init__(self) -> None:
        if (bool(self.equals), bool(self.text), bool(self.texts)).count(True) != 1:
            raise ValueError(
                "equals is missing or not alone; give the codes of the model, its text or its texts"
            )
        if "" in self.texts:
            raise ValueError("texts has an empty one, which any meter holds; leave it out")
        if self.equals and self.words != 1:
            raise ValueError("words belongs to a text; a code is one register, leave it out")
        if not 1 <= self.words <= MAX_WORDS:
            raise ValueError(f"words is {self.words}; 1 to {MAX_WORDS}")
        if not 0 <= self.address <= _TOP - self.words:
            raise ValueError(f"address is {self.address}; registers go from 0 to 65535")
        strange = [code for code in self.equals if not 0 <= code < _TOP]
        if strange:
            raise ValueError(f"equals has {strange}; a register holds 0 to 65535")
        for text in self._any_of:
            if 2 * self.words < len(text):
                raise ValueError(f"words is {self.words}; too few for {text!r}, two letters each")

    def told(self, words: Sequence[int]) -> str | None:
        """What of this model's stands there: its code or its text; None if nothing does."""
        if self.equals:
            return str(words[0]) if words and words[0] in self.equals else None
        data = b"".join(word.to_bytes(2, "big") for word in words).decode("latin-1").casefold()
        return next((text for text in self._any_of if text.casefold() in data), None)

    def fits(self, words: Sequence[int]) -> bool:
        """Whether what stands there is this model's."""
        return self.told(words) is not None

    @property
    def _any_of(self) -> tuple[str, ...]:
        return self.texts or tuple(filter(None, (self.text,)))
