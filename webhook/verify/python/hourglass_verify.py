"""Verifies webhooks of Standard Webhooks: v1 (HMAC-SHA256) and v1a (Ed25519).

    from hourglass_verify import verify
    delivery = verify(keys=["whpk_..."], headers=request.headers, body=raw_bytes)  # raises VerificationError

Python 3.9 or newer. v1 needs nothing else; v1a needs the package `cryptography`, since Python's own library has no Ed25519.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from typing import Any, Callable, Iterable, Mapping, NamedTuple, Union

MOST_SIGNATURES = 64  # each costs a hash of the body


class VerificationError(Exception):
    """`reason`: missing_header, bad_timestamp, too_old, too_new, no_match, bad_key."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Delivery(NamedTuple):
    id: str
    timestamp: int
    scheme: str


class _Key(NamedTuple):
    scheme: str
    holds: Callable[[bytes, bytes], bool]


def _from_base64(text: str, wanted: Callable[[int], bool]) -> Union[bytes, None]:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if wanted(len(raw)) else None


def _symmetric(secret: bytes) -> _Key:
    return _Key("v1", lambda content, signature: hmac.compare_digest(hmac.new(secret, content, hashlib.sha256).digest(), signature))


def _asymmetric(raw: bytes) -> _Key:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        raise VerificationError("bad_key", "an Ed25519 key needs the package `cryptography`") from None
    try:
        key = Ed25519PublicKey.from_public_bytes(raw)
    except ValueError:
        raise VerificationError("bad_key", "the key is not an Ed25519 key") from None

    def holds(content: bytes, signature: bytes) -> bool:
        try:
            key.verify(signature, content)
        except InvalidSignature:
            return False
        return True

    return _Key("v1a", holds)


def _read_key(key: Union[str, Mapping[str, Any]]) -> _Key:
    """`whsec_…`, bare base64 of a symmetric secret, `whpk_…`, or an Ed25519 JSON Web Key."""
    if not isinstance(key, str):
        x = key.get("x") if key.get("kty") == "OKP" and key.get("crv") == "Ed25519" else None
        raw = _from_base64(x.replace("-", "+").replace("_", "/") + "=" * (-len(x) % 4), lambda n: n == 32) if isinstance(x, str) else None
        if raw is None:
            raise VerificationError("bad_key", "the key is not an Ed25519 JSON Web Key")
        return _asymmetric(raw)
    if key.startswith("whsk_"):
        raise VerificationError("bad_key", "this is a private key: a receiver needs the public one, whpk_…")
    if key.startswith("whpk_"):
        raw = _from_base64(key[5:], lambda n: n == 32)
        if raw is None:
            raise VerificationError("bad_key", "the key is not whpk_ and base64 of 32 bytes")
        return _asymmetric(raw)
    raw = _from_base64(key[6:] if key.startswith("whsec_") else key, lambda n: n >= 24)
    if raw is None:
        raise VerificationError("bad_key", "the key is not whsec_ and base64 of at least 24 bytes")
    return _symmetric(raw)


def _read_headers(headers: Mapping[str, str]) -> tuple[str, str, str]:
    lower = {name.lower(): value for name, value in headers.items()}
    for prefix in ("webhook-", "svix-"):
        found = tuple(lower.get(prefix + name) or "" for name in ("id", "timestamp", "signature"))
        if all(found):
            return found  # type: ignore[return-value]
    raise VerificationError("missing_header", "one of webhook-id, webhook-timestamp and webhook-signature is missing")


def verify(
    keys: Union[str, Mapping[str, Any], Iterable[Union[str, Mapping[str, Any]]]],
    headers: Mapping[str, str],
    body: Union[bytes, str],
    tolerance: int = 300,
    now: Union[int, None] = None,
) -> Delivery:
    """`body`: the bytes as they came; `tolerance` in seconds; `now` in Unix seconds. Raises VerificationError."""
    known = [_read_key(key) for key in ([keys] if isinstance(keys, (str, Mapping)) else keys)]
    id_, timestamp, signatures = _read_headers(headers)
    if not re.fullmatch(r"[0-9]{1,12}", timestamp):
        raise VerificationError("bad_timestamp", "webhook-timestamp is not a number of Unix seconds")
    now = int(time.time()) if now is None else now
    if int(timestamp) < now - tolerance:
        raise VerificationError("too_old", "the webhook is too old")
    if int(timestamp) > now + tolerance:
        raise VerificationError("too_new", "the webhook is from the future")
    content = f"{id_}.{timestamp}.".encode() + (body.encode() if isinstance(body, str) else body)
    for claim in signatures.split(" ")[:MOST_SIGNATURES]:
        scheme, _, coded = claim.partition(",")
        for key in known:
            signature = _from_base64(coded, lambda n: n == (32 if key.scheme == "v1" else 64))
            if scheme == key.scheme and signature is not None and key.holds(content, signature):
                return Delivery(id_, int(timestamp), scheme)
    raise VerificationError("no_match", "no signature matches")
