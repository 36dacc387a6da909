"""The enclosure in a raw SMBIOS table (DMTF DSP0134), which Windows shows to everybody."""

_ENCLOSURE, _END = 3, 127
# In the structure of an enclosure; its highest bit says that there is a lock.
_TYPE_AT, _TYPE_BITS = 5, 0x7F


def chassis_type(table: bytes) -> int | None:
    """The type of the first enclosure; None if the table names none or makes no sense."""
    at = 0
    while at + 4 <= len(table):
        kind, length = table[at], table[at + 1]
        if length < 4 or kind == _END:
            return None
        if kind == _ENCLOSURE and length > _TYPE_AT and at + _TYPE_AT < len(table):
            return table[at + _TYPE_AT] & _TYPE_BITS
        # Texts follow each structure, and two zeros end them.
        texts_end = table.find(b"\0\0", at + length)
        if texts_end < 0:
            return None
        at = texts_end + 2
    return None
