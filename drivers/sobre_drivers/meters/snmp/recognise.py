"""Which profile fits an agent that answers: by its sysObjectID and by the objects that it has."""

from collections.abc import Mapping

from sobre_drivers.meters.snmp import decoding
from sobre_drivers.meters.snmp.decoding import Raw
from sobre_drivers.meters.snmp.profile import Identify, Profile

# SNMPv2-MIB: what kind of agent it is.
OBJECT_ID = "1.3.6.1.2.1.1.2.0"
DESCRIPTION = "1.3.6.1.2.1.1.1.0"


def asked(models: Mapping[str, Profile]) -> list[str]:
    """The objects that tell the models apart."""
    wanted = {OBJECT_ID, DESCRIPTION}
    for model in models.values():
        wanted |= set(filter(None, (model.identify.exists, model.identify.equals_oid)))
    return sorted(wanted)


def worth_asking(models: Mapping[str, Profile], said: Mapping[str, Raw]) -> dict[str, Profile]:
    """The models that an agent may be, by its sysObjectID; what tells them apart is asked next."""
    return {
        name: model
        for name, model in models.items()
        if not model.identify.object_ids or by_number(model, said)
    }


def by_number(model: Profile, answers: Mapping[str, Raw]) -> bool:
    """Whether the agent's sysObjectID is the model's."""
    return _length(model.identify, answers) > 0


def recognised(models: Mapping[str, Profile], answers: Mapping[str, Raw]) -> list[str]:
    """The names of the profiles that fit, the surest first; `answers` are to what `asked` lists.

    What names a maker's own number is surer than what any agent may have; of two that are as
    sure, the one that knows a register comes first.
    """
    fits = [name for name, model in models.items() if _fits(model.identify, answers)]
    return sorted(fits, key=lambda name: _rank(models[name], name, answers))


def object_id(answers: Mapping[str, Raw]) -> str:
    """The agent's sysObjectID without a leading dot; empty if it does not say."""
    return (decoding.text(answers.get(OBJECT_ID)) or "").lstrip(".")


def _rank(model: Profile, name: str, answers: Mapping[str, Raw]) -> tuple[int, bool, str]:
    counts = any(part.energy is not None for part in model.part)
    return -_length(model.identify, answers), not counts, name


def _fits(identify: Identify, answers: Mapping[str, Raw]) -> bool:
    if identify == Identify():
        # It says nothing of how it is recognised.
        return False
    if identify.object_ids and not _length(identify, answers):
        return False
    if identify.exists and identify.exists not in answers:
        return False
    held = decoding.text(answers.get(identify.equals_oid))
    return not identify.equals_oid or held == identify.equals


def _length(identify: Identify, answers: Mapping[str, Raw]) -> int:
    """How many numbers of the agent's sysObjectID the profile names; 0 if it is another's."""
    own = f"{object_id(answers)}."
    lengths = [each.count(".") for each in identify.object_ids if own.startswith(f"{each}.")]
    return max(lengths, default=0)
