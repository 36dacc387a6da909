"""`make devices`: write the profiles of now into the table of docs/devices.md."""

from devices.document import DOCUMENT, write


def main() -> int:
    """0: written, or nothing to write."""
    write()
    print(f"{DOCUMENT.name}: as the profiles and captures are now")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
