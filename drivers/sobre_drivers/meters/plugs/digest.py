"""The answer to a web server that asks who is there (RFC 7617 and RFC 7616).

Python's own knows no SHA-256, which is all that newer plugs take.
"""

import base64
import hashlib
import re
from collections.abc import Callable

_FIELD = re.compile(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_HASHES: dict[str, Callable[[bytes], str]] = {
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
}


def authorization(
    challenge: str, method: str, path: str, user: str, password: str, client_nonce: str
) -> str | None:
    """The header `Authorization` for a `WWW-Authenticate`; None if we do not know that way."""
    scheme, _, rest = challenge.partition(" ")
    if scheme.lower() == "basic":
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    said = {name.lower(): quoted or bare for name, quoted, bare in _FIELD.findall(rest)}
    hashed = _HASHES.get(said.get("algorithm", "MD5").upper())
    realm, nonce = said.get("realm"), said.get("nonce")
    qualities = said.get("qop", "").replace(" ", "").split(",")
    if scheme.lower() != "digest" or hashed is None or realm is None or nonce is None:
        return None
    if "auth" not in qualities:
        return None
    secret = hashed(f"{user}:{realm}:{password}".encode())
    asked = hashed(f"{method}:{path}".encode())
    count = "00000001"
    proof = hashed(f"{secret}:{nonce}:{count}:{client_nonce}:auth:{asked}".encode())
    return (
        f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{path}", '
        f"algorithm={said.get('algorithm', 'MD5')}, qop=auth, nc={count}, "
        f'cnonce="{client_nonce}", response="{proof}"'
    )
