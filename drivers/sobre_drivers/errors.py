"""What can go wrong, by who has to act.

SobreError
├── ConfigError   a person must act: the program stops before it opens a connection (exit code 2)
├── MeterError    that meter, this round: the others go on
├── WireError     that message: it is refused or quarantined, the loop lives
└── StoreError    the disk or database: nothing is confirmed until it works again

Every message gives subject, finding and remedy.
"""


class SobreError(Exception):
    """Base of all that Sobre raises on purpose."""


class ConfigError(SobreError):
    """A configuration, perimeter or profile file is wrong; `problems` holds one line for each."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class MeterError(SobreError):
    """A meter or sensor could not be read this round."""


class WireError(SobreError):
    """A message is not what the contract says."""


class StoreError(SobreError):
    """A disk or database did not take what it was given."""
