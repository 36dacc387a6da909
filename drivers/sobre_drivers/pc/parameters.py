"""The parameters of PCs and screens, from the data files that hold them with their sources."""

from collections.abc import Sequence
from pathlib import Path

from sobre_drivers import settings
from sobre_drivers.pc.chassis import LAPTOP, SERVER
from sobre_drivers.pc.pc_model import Generation, Generations, PcModel

FOLDER = Path(__file__).parent / "models"


def model_of(device_class: str) -> PcModel:
    """The parameters of a class of PC; any other class is taken for a desktop."""
    name = {LAPTOP: "laptop", SERVER: "server"}.get(device_class, "desktop")
    # A variable of the environment is a setting of the agent, never a parameter.
    return settings.load(FOLDER / f"{name}.toml", PcModel, {})


def generations() -> Sequence[Generation]:
    """How power grows with load, by processor generation."""
    return settings.load(FOLDER / "generations.toml", Generations, {}).generations
