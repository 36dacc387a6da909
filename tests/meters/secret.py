"""Files with secrets, as an administrator would put them there."""

from pathlib import Path


def secret(folder: Path, text: str = "s3cret") -> Path:
    """A password that its owner alone may read."""
    path = folder / "password"
    path.write_text(f"{text}\n")
    path.chmod(0o600)
    return path
