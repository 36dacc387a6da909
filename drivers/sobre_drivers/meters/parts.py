"""What every map of a meter with parts must keep to: names, classes, powers and how many."""

import re

from sobre_drivers.load import CLASSES

MAX_COUNT = 1000
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,50}|[a-z0-9][a-z0-9._-]{0,40}\{n(?::0[1-9]d)?\}")


def require_part(
    name: str, device_class: str | None, rated_w: float | None, count: int, first: int
) -> None:
    """ValueError unless a part can be so; `rated_w` in W, None what is left to the profile."""
    if name and not _NAME.fullmatch(name):
        raise ValueError(f"name is {name!r}; small letters, digits and . _ -, then {{n}}")
    if device_class is not None:
        require_known_class(device_class)
    if rated_w is not None and rated_w <= 0:
        raise ValueError(f"rated_w is {rated_w}; a power above 0 W is needed")
    if not 1 <= count <= MAX_COUNT or first < 0:
        raise ValueError(f"count is {count} from {first}; 1 to {MAX_COUNT}")


def require_known_class(device_class: str) -> None:
    """ValueError unless a class is one of ours."""
    if device_class not in CLASSES:
        raise ValueError(f"device_class is {device_class!r}; choose one of {', '.join(CLASSES)}")
