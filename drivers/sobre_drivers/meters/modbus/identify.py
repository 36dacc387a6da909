"""Registers by which a model is recognised: an identification code, or its name as a text."""

from dataclasses import dataclass
from typing import Literal

MAX_WORDS = 40
_TOP = 0x10000


@dataclass(frozen=True, slots=True)
class Identify:
    """The register at `address` (from 0) holds one of `equals`, or `words` from there a `text`.

    A text is looked for anywhere in them, small letters and capitals alike. `function` overrides
    the profile's.
    """

    address: int
    equals: tuple[int, ...] = ()
    text: str = ""
    words: int = 1
    function: Literal[3, 4] | None = None

    def __post_init__(self) -> None:
        if bool(self.equals) == bool(self.text):
            raise ValueError("equals is missing; give the codes of the model, or its text")
        if self.equals and self.words != 1:
            raise ValueError("words belongs to a text; a code is one register, leave it out")
        if not 1 <= self.words <= MAX_WORDS:
            raise ValueError(f"words is {self.words}; 1 to {MAX_WORDS}")
        if not 0 <= self.address <= _TOP - self.words:
            raise ValueError(f"address is {self.address}; registers go from 0 to 65535")
        strange = [code for code in self.equals if not 0 <= code < _TOP]
        if strange:
            raise ValueError(f"equals has {strange}; a register holds 0 to 65535")
        if self.text and 2 * self.words < len(self.text):
            raise ValueError(f"words is {self.words}; too few for {self.text!r}, two letters each")

    def fits(self, words: list[int]) -> bool:
        """Whether what stands there is this model's."""
        if self.equals:
            return words[:1] != [] and words[0] in self.equals
        data = b"".join(word.to_bytes(2, "big") for word in words)
        return self.text.casefold() in data.decode("latin-1").casefold()
