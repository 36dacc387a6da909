"""What a printer's attributes mean: its state and since when, its pages, its own meter."""

from collections.abc import Mapping
from dataclasses import dataclass

from sobre_drivers.meters.ipp.message import Value, Values
from sobre_drivers.meters.ipp.profile import PAGES, Profile
from sobre_drivers.sample import UJ_PER_KWH

STATE, REASONS = "printer-state", "printer-state-reasons"
CHANGED, UP = "printer-state-change-time", "printer-up-time"
DEVICE_ID, UUID, SERIAL = "printer-device-id", "printer-uuid", "printer-serial-number"
MODEL = "printer-make-and-model"
METER = "power-state-monitor-col"

# RFC 8011, 5.4.11.
_STATES = {3: "ready", 4: "printing"}
# PWG 5100.22: what a system calls its power states, by the beginning of their names.
_POWER_STATES = {"standby": "sleep", "suspend": "sleep", "hibernate": "sleep", "off": "off"}

# Printers date by whole seconds.
_WHOLE_S = 1.0

Attributes = Mapping[str, Values]


@dataclass(frozen=True, slots=True)
class Seen:
    """A printer at an instant. `since_s` is how long it has been in its state; None if unsaid.

    `register_uj` and `power_w` are its own meter's.
    """

    state: str
    since_s: float | None = None
    pages: int | None = None
    serial: str | None = None
    register_uj: int | None = None
    power_w: float | None = None


def wanted(profile: Profile) -> tuple[str, ...]:
    """The attributes to ask for."""
    names = (STATE, REASONS, CHANGED, UP, PAGES[profile.pages], SERIAL, DEVICE_ID, UUID)
    return names if profile.power_w is not None else (*names, METER)


def seen(profile: Profile, attributes: Attributes) -> Seen:
    """What the attributes say of a printer."""
    since_s = _since_s(attributes)
    meter = _first(attributes, METER)
    own: Attributes = meter if isinstance(meter, Mapping) else {}
    pages = _first(attributes, PAGES[profile.pages])
    # A meter that only guesses from its state is none; and a profile that estimates is not metered.
    actual = profile.power_w is None and _first(own, "meters-are-actual") is True
    kwh, watts = _first(own, "lifetime-kwh"), _first(own, "current-watts")
    return Seen(
        state=_state(profile, attributes, own, since_s),
        since_s=since_s,
        pages=_count(pages),
        serial=_serial(attributes),
        register_uj=None if not actual or _count(kwh) is None else _count(kwh, UJ_PER_KWH),
        power_w=None if not actual or _count(watts) is None else float(_count(watts) or 0),
    )


def typical_w(profile: Profile, state: str) -> float | None:
    """What is typically drawn in a state (W); None if that is not known."""
    power_w = profile.power_w
    if power_w is None or state == "unknown":
        return None
    known = {
        "printing": power_w.printing,
        "ready": power_w.ready,
        "sleep": power_w.sleep,
        "off": power_w.off,
    }
    return known.get(state)


def mean_w(profile: Profile, before: str, now: Seen, span_s: float) -> float | None:
    """The mean power (W) of the `span_s` between two answers, the change dated by the printer.

    The state before lasted until the one now began; None if either is worth nothing known, or if
    the date cannot be: CUPS' ippeveprinter 2.4.2 keeps that of its start.
    """
    first_w, last_w = typical_w(profile, before), typical_w(profile, now.state)
    if first_w is None or last_w is None or now.since_s is None or span_s <= 0:
        return None
    if before != now.state and now.since_s > span_s + _WHOLE_S:
        return None
    last_s = min(now.since_s, span_s)
    return (first_w * (span_s - last_s) + last_w * last_s) / span_s


def _state(profile: Profile, attributes: Attributes, own: Attributes, since_s: float | None) -> str:
    word = str(_first(own, "power-state") or "")
    for begins, state in _POWER_STATES.items():
        if word.startswith(begins):
            return state
    code = _first(attributes, STATE)
    state = _STATES.get(code, "unknown") if isinstance(code, int) else "unknown"
    if state == "printing":
        return state
    reasons = {str(each).partition("-report")[0] for each in attributes.get(REASONS, ())}
    if reasons & set(profile.asleep):
        return "sleep"
    idle_s = profile.sleep_after_s
    asleep = state == "ready" and idle_s is not None and since_s is not None and since_s >= idle_s
    return "sleep" if asleep else state


def _since_s(attributes: Attributes) -> float | None:
    """Both times count from the printer's start; a clock that was set makes no sense of them."""
    changed, up = _count(_first(attributes, CHANGED)), _count(_first(attributes, UP))
    if changed is None or up is None or changed > up:
        return None
    return float(up - changed)


def _serial(attributes: Attributes) -> str | None:
    own = _first(attributes, SERIAL)
    if isinstance(own, str) and own:
        return own
    for field in str(_first(attributes, DEVICE_ID) or "").split(";"):
        key, _, text = field.partition(":")
        if key.strip().upper() in ("SN", "SERN", "SERIALNUMBER") and text.strip():
            return text.strip()
    uuid = _first(attributes, UUID)
    return uuid if isinstance(uuid, str) and uuid else None


def _first(attributes: Attributes, name: str) -> Value:
    values = attributes.get(name, ())
    return values[0] if values else None


def _count(value: Value, factor: int = 1) -> int | None:
    known = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value * factor if known and isinstance(value, int) else None
