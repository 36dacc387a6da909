"""Stand-ins for what names a person, a place or a device: the same secret, the same stand-in.

A stand-in has the shape of its secret and nothing of it: letters are X, digits count from 1. Nobody
can turn it back, and a program reads it as it would the real thing.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

# Shorter ones occur by chance in every file.
SHORTEST = 4
SHORTEST_NUMBER = 6
_IPV4 = r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])"
_MAC = r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![0-9A-Fa-f])"
_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_MAIL = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
_ANYWHERE = (("address", _IPV4), ("MAC", _MAC), ("UUID", _UUID), ("mail", _MAIL))


class Masks:
    """The stand-ins of one capture."""

    def __init__(self) -> None:
        self._stand_ins: dict[str, str] = {}
        self._kinds: dict[str, int] = {}

    @property
    def secrets(self) -> tuple[str, ...]:
        """What was masked, the longest first."""
        return tuple(sorted(self._stand_ins, key=len, reverse=True))

    def masked(self) -> str:
        """What was masked, by kind and count, for the capture's head."""
        told = [f"{kind} ({count})" for kind, count in sorted(self._kinds.items())]
        return ", ".join(told) or "nothing"

    def stand_in(self, kind: str, secret: str) -> str:
        """What stands for a secret, of the same length."""
        if secret not in self._stand_ins:
            self._kinds[kind] = self._kinds.get(kind, 0) + 1
            self._stand_ins[secret] = self._new(secret)
        return self._stand_ins[secret]

    def everywhere(self, text: str) -> str:
        """The text with stand-ins for all secrets that are known, and for addresses in it."""
        for kind, pattern in _ANYWHERE:
            for found in re.findall(pattern, text):
                if found not in self._stand_ins.values():
                    self.stand_in(kind, found)
        known = [secret for secret in self.secrets if len(secret) >= SHORTEST]
        if not known:
            return text
        # At once, so that no stand-in is taken for a secret; and however it is written there.
        by_plain = {secret.casefold(): self._stand_ins[secret] for secret in known}
        any_of_them = re.compile("|".join(map(re.escape, known)), re.IGNORECASE)
        return any_of_them.sub(lambda found: by_plain.get(found[0].casefold(), ""), text)

    def without(self, text: str) -> str:
        """The text without any stand-in."""
        made = sorted(set(self._stand_ins.values()), key=len, reverse=True)
        return re.sub("|".join(map(re.escape, made)), "", text) if made else text

    def _new(self, secret: str) -> str:
        taken = set(self._stand_ins.values())
        number = 1
        while True:
            made = shaped(secret, number)
            if made != secret and made not in taken:
                return made
            number += 1
            if number > 10 ** len(secret):
                # So short that there is nothing left to tell them apart by.
                return "X" * len(secret)


def shaped(secret: str, number: int) -> str:
    """A number in the shape of a secret."""
    plain = "".join("0" if c.isdigit() else "X" if c.isalpha() else c for c in secret)
    places = [at for at, c in enumerate(plain) if c == "0"]
    if not places:
        places = [at for at, c in enumerate(plain) if c == "X"]
    digits = str(number)[::-1]
    made = list(plain)
    for at, digit in zip(reversed(places), digits, strict=False):
        made[at] = digit
    return "".join(made)


def leaked(text: str, secrets: Iterable[str]) -> list[str]:
    """The secrets that a text holds all the same, in whatever way it writes them."""
    plain = text.casefold()
    found = []
    for secret in secrets:
        ways = {secret, secret.replace(":", "").replace("-", ""), *_in_hexadecimal(secret)}
        if len(secret) < (SHORTEST_NUMBER if secret.isdigit() else SHORTEST):
            continue
        if any(way.casefold() in plain for way in ways if len(way) >= SHORTEST):
            found.append(secret)
    return found


def _in_hexadecimal(secret: str) -> set[str]:
    """As octets, and as registers: a text of two letters each, a number in either word order."""
    octets = secret.encode("utf-8").hex()
    ways = {octets, " ".join(octets[at : at + 4] for at in range(0, len(octets) - 3, 4))}
    if secret.isascii() and secret.isdigit() and int(secret) > 0xFFFF:
        number = int(secret)
        words = [
            f"{number >> 16 * at & 0xFFFF:04x}" for at in range((number.bit_length() + 15) // 16)
        ]
        ways |= {" ".join(words), " ".join(words[::-1])}
    return ways


# Words that tell what a device is and not whose; all other texts of a JSON answer are masked.
_KEPT = """
    @odata.id @odata.type id memberid manufacturer vendor product model state health readingunits
    physicalcontext sensortype readingtype chassistype powersupplytype lineinputvoltagetype
    redfishversion firmwareversion app type source powerstate units
"""
KEPT_KEYS = frozenset(_KEPT.split())


def json_masked(value: Any, masks: Masks, key: str = "") -> Any:
    """A JSON answer in which every text is masked but for those that say what a device is."""
    if isinstance(value, Mapping):
        return {name: json_masked(each, masks, name) for name, each in value.items()}
    if isinstance(value, list):
        return [json_masked(each, masks, key) for each in value]
    if not isinstance(value, str) or not value:
        return value
    if key.casefold() in KEPT_KEYS or re.fullmatch(r"[+-]?\d{1,9}(?:\.\d+)?", value):
        return value
    return masks.stand_in(key, value)


def masked_again(value: Any, masks: Masks) -> Any:
    """The same answer without any secret that was found after it, or elsewhere."""
    if isinstance(value, Mapping):
        return {name: masked_again(each, masks) for name, each in value.items()}
    if isinstance(value, list):
        return [masked_again(each, masks) for each in value]
    return masks.everywhere(value) if isinstance(value, str) else value
