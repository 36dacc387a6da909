"""What the fleet's agents would have sent: births and batches, on the wire's own terms."""

import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from zoneinfo import ZoneInfo

import numpy as np

from sobre_collector.rows import MADE_UP, Key
from sobre_collector.simulate.fleet import (
    KINDS,
    LARGE_EFFECT_RATIO,
    OUTLETS_PER_PDU,
    PRINTER,
    SERVER,
    Flags,
    Fleet,
    Month,
    room_ratio,
)
from sobre_collector.simulate.truth import used_j
from sobre_drivers import birth, wire
from sobre_drivers.calendar import WorkingHours, day_bounds, working_span
from sobre_drivers.load import Load, Origin
from sobre_drivers.topics import topic

Message = tuple[str, bytes]

# Of a printer's active hours so much is printing, at so many pages a second.
PRINTING_RATIO = 0.12
PAGES_PER_S = 0.25
# Of what enters a room and does not reach its IT, so much cools it.
COOLING_RATIO = 0.7


@dataclass(slots=True)
class _Stream:
    """An agent's own count for one device: its numbers go on from month to month."""

    key: Key
    stream: str
    kind: int
    seq: int = 0
    register_j: int = 0
    batch: int = 0
    born: bool = False


class Agents:
    """The agents of a fleet, each with its spool's stream, numbers and registers."""

    def __init__(self, fleet: Fleet, saving_ratio: float, zone: ZoneInfo) -> None:
        self._fleet, self._saving_ratio, self._zone = fleet, saving_ratio, zone
        self._hours = WorkingHours()
        self._streams = [_stream(fleet, n) for n in range(len(fleet.kind))]
        self._pdus = _pdus(fleet)
        self._pdu_streams = [
            _Stream(Key("salle", f"pdu-{n + 1:02}"), _uuid(fleet.seed, f"pdu{n}"), SERVER)
            for n in range(len(self._pdus))
        ]
        # What enters the room, and what cools it; neither counts, for its IT does already.
        self._room = [
            _Stream(Key("salle", name), _uuid(fleet.seed, "room"), SERVER)
            for name in ("feeder-salle", "clim-salle")
        ]

    def births(self, month: Month) -> Iterator[tuple[date, list[Message]]]:
        """What each device is, said on the day of its first load: who joins when can be seen."""
        fleet = self._fleet
        by_day: dict[date, list[Message]] = defaultdict(list)

        def born(
            stream: _Stream, told: Flags, device_class: str, of: tuple[str, str], rated_w: float
        ) -> None:
            if not stream.born and told.any():
                stream.born = True
                said = _birth(stream.key, device_class, *of, rated_w)
                by_day[month.days[int(told.argmax())]].append(said)

        for n in np.flatnonzero(month.reported.any(axis=1)):
            stream, kind = self._streams[n], KINDS[fleet.kind[n]]
            of = (fleet.organisations[fleet.organisation[n]], fleet.sites[fleet.site[n]])
            born(stream, month.reported[n], kind.device_class, of, kind.rated_w)
        of = (fleet.organisations[0], fleet.sites[2])
        for stream, outlets in zip(self._pdu_streams, self._pdus, strict=True):
            born(stream, np.logical_or.reduce(month.reported[outlets]), "pdu", of, 7400.0)
        servers = [n for outlets in self._pdus for n in outlets]
        most_w = 3 * KINDS[SERVER].rated_w * max(1, len(servers))
        for stream, name in zip(self._room, ("facility", "cooling"), strict=True):
            born(stream, np.logical_or.reduce(month.reported[servers]), name, of, most_w)
        yield from sorted(by_day.items())

    def printers(self) -> Iterator[tuple[Key, bool]]:
        """Each printer, and whether it is one of the larger range."""
        for n, stream in enumerate(self._streams):
            if stream.kind == PRINTER:
                yield stream.key, bool(self._fleet.effect_ratio[n] > LARGE_EFFECT_RATIO)

    def room(self) -> Iterator[tuple[str, Key]]:
        """What measures the room: facility, IT and cooling."""
        yield "facility", self._room[0].key
        for stream in self._pdu_streams:
            yield "it", stream.key
        yield "cooling", self._room[1].key

    def links(self) -> Iterator[tuple[Key, Key]]:
        """(outlet, PDU that feeds it): the metering tree."""
        for pdu, outlets in zip(self._pdu_streams, self._pdus, strict=True):
            for n in outlets:
                yield self._streams[n].key, pdu.key

    def batches(self, month: Month) -> Iterator[Message]:
        """The loads of a month, a batch a device."""
        joules = used_j(self._fleet, month, self._saving_ratio)
        spans = [self._spans(day) for day in month.days]
        for n in np.flatnonzero(month.reported.any(axis=1)):
            yield self._batch(
                self._streams[n], joules[n].tolist(), month.reported[n].tolist(), spans
            )
        for pdu, outlets in zip(self._pdu_streams, self._pdus, strict=True):
            said = [bool(column.any()) for column in month.reported[outlets].T]
            if any(said):
                total = (joules[outlets] * month.reported[outlets]).sum(axis=0)
                yield self._batch(pdu, total.tolist(), said, spans)
        servers = [n for outlets in self._pdus for n in outlets]
        said = [bool(column.any()) for column in month.reported[servers].T]
        if servers and any(said):
            it = (joules[servers] * month.reported[servers]).sum(axis=0)
            into = it * np.array([room_ratio(day) for day in month.days])
            yield self._batch(self._room[0], into.tolist(), said, spans)
            yield self._batch(self._room[1], ((into - it) * COOLING_RATIO).tolist(), said, spans)

    def _spans(self, day: date) -> list[tuple[int, int, bool]]:
        """(end, seconds, in working hours) of the loads of a local day."""
        begin, end = day_bounds(day, self._zone)
        work = working_span(day, self._hours, self._zone)
        if work is None:
            return [(end, end - begin, False)]
        return [
            (work[0], work[0] - begin, False),
            (work[1], work[1] - work[0], True),
            (end, end - work[1], False),
        ]

    def _batch(
        self,
        stream: _Stream,
        joules: list[float],
        reported: list[bool],
        spans: list[list[tuple[int, int, bool]]],
    ) -> Message:
        kind = KINDS[stream.kind]
        origin = Origin.ESTIMATED if stream.kind < PRINTER else Origin.MEASURED
        loads = []
        for day_j, said, day_spans in zip(joules, reported, spans, strict=True):
            if not said:
                continue
            night_s = sum(span_s for _, span_s, working in day_spans if not working)
            night_j = day_j * (kind.night_ratio if len(day_spans) > 1 else 1.0)
            upto_j, given_j = 0.0, 0
            for end, span_s, working in day_spans:
                upto_j += day_j - night_j if working else night_j * span_s / night_s
                energy_j = int(upto_j) - given_j
                given_j += energy_j
                stream.seq += 1
                stream.register_j += energy_j
                states, pages = _states(stream.kind, energy_j, span_s)
                loads.append(
                    Load(
                        stream.key.device,
                        stream.seq,
                        end,
                        span_s,
                        energy_j,
                        stream.register_j,
                        origin,
                        states,
                        None,
                        pages,
                    )
                )
        stream.batch += 1
        payload = wire.encode_batch(wire.Batch(stream.stream, stream.batch, tuple(loads)))
        return topic(stream.key.node, "load"), payload


def _states(kind: int, energy_j: int, span_s: int) -> tuple[dict[str, int] | None, int | None]:
    """Seconds by state that such an energy takes at the kind's own powers, and pages."""
    if kind == SERVER:
        return None, None
    on_w, off_w = KINDS[kind].on_w, KINDS[kind].off_w
    on_s = min(span_s, max(0, int((energy_j - off_w * span_s) / (on_w - off_w))))
    if kind != PRINTER:
        return {"on": on_s, "off": span_s - on_s}, None
    printing_s = int(on_s * PRINTING_RATIO)
    states = {"printing": printing_s, "ready": on_s - printing_s, "sleep": span_s - on_s}
    return states, int(printing_s * PAGES_PER_S)


def _stream(fleet: Fleet, n: int) -> _Stream:
    kind = int(fleet.kind[n])
    name = sha256(f"{fleet.seed}/{n}".encode()).hexdigest()[:16]
    if kind < PRINTER:
        key = Key(f"pc-{name}", f"pc-{name}")
    elif kind == PRINTER:
        key = Key(f"impr-{fleet.organisations[fleet.organisation[n]]}", f"impr-{n:05}")
    else:
        order = int((fleet.kind[:n] == SERVER).sum())
        pdu, outlet = divmod(order, OUTLETS_PER_PDU)
        key = Key("salle", f"pdu-{pdu + 1:02}/outlet-{outlet + 1:02}")
    # A reader's spool has one stream for all that it reads.
    shared = key.node if kind >= PRINTER else name
    return _Stream(key, _uuid(fleet.seed, shared), kind)


def _pdus(fleet: Fleet) -> list[list[int]]:
    servers = np.flatnonzero(fleet.kind == SERVER).tolist()
    return [servers[n : n + OUTLETS_PER_PDU] for n in range(0, len(servers), OUTLETS_PER_PDU)]


def _uuid(seed: int, name: str) -> str:
    return str(uuid.UUID(bytes=sha256(f"{seed}:{name}".encode()).digest()[:16], version=4))


def _birth(key: Key, device_class: str, organisation: str, site: str, rated_w: float) -> Message:
    measured = not device_class.startswith("workstation.")
    said = birth.Birth(
        device_class,
        organisation,
        site,
        MADE_UP,
        Origin.MEASURED if measured else Origin.ESTIMATED,
        rated_w,
        0.02 if measured else 0.25,
        "simulated",
    )
    return topic(key.node, "birth", key.device), birth.encode(said)
