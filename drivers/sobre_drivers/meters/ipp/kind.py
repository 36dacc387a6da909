"""IPP, as the catalogue takes it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sobre_drivers.errors import ConfigError
from sobre_drivers.load import Origin
from sobre_drivers.meters.configured import MeterSettings
from sobre_drivers.meters.ipp import profile
from sobre_drivers.meters.kind import About, Lines, Own
from sobre_drivers.sample import UJ_PER_KWH, Described

if TYPE_CHECKING:
    from sobre_drivers.meters.ipp.driver import IppDriver


def about(path: Path) -> About:
    """The model of a profile file."""
    model = profile.read(path)
    return About(
        protocol="ipp",
        maker=model.maker,
        model=model.model,
        source=model.source,
        confirmed=model.confirmed,
        device_class=model.device_class,
        measures="register" if model.power_w is None else "state",
        note=model.note,
        sample_s=model.sample_s,
        hours=model.hours,
    )


def describe(
    name: str, path: Path, meter: MeterSettings, own: Mapping[str, Own]
) -> list[Described]:
    """The printer, without asking it; ConfigError if the settings do not fit."""
    model = profile.read(path)
    problems = []
    if not meter.host:
        problems.append(f"{meter.device}: host is missing; name the printer's address")
    if meter.outlets or own:
        problems.append(f"{meter.device}: a printer has no outlets; leave outlets and parts out")
    if meter.login.username:
        problems.append(
            f"{meter.device}: login.username is not used to ask a printer; leave it out"
        )
    rated_w = meter.rated_w or model.rated_w
    if rated_w is None:
        problems.append(f"{meter.device}: rated_w is missing; state its greatest power in W")
    if problems or rated_w is None:
        raise ConfigError(*problems)
    metered = model.power_w is None
    doubt = " (unconfirmed)" if model.confirmed == "unconfirmed" else ""
    return [
        Described(
            device=meter.device,
            device_class=meter.device_class or model.device_class,
            rated_w=rated_w,
            method=f"ipp {name}{doubt}, pages in {model.pages}",
            origin=Origin.MEASURED if metered else Origin.ESTIMATED,
            uncertainty_ratio=model.uncertainty_ratio,
            count_uj=UJ_PER_KWH if metered else 1,
        )
    ]


def driver(
    path: Path, meter: MeterSettings, described: list[Described], lines: Lines
) -> "IppDriver":
    """The driver of a printer."""
    from sobre_drivers.meters.ipp.client import PORT, Client
    from sobre_drivers.meters.ipp.driver import IppDriver

    model = profile.read(path)
    client = Client(
        meter.host, meter.port or PORT, model.path, meter.timeout_s, meter.login.ca_file
    )
    return IppDriver(meter.device, client, model, described)
