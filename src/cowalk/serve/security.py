"""Who may ask: the API key of all routes, and the token of /admin."""

from __future__ import annotations

import base64
import binascii
import hmac

from pydantic import SecretStr

from cowalk.serve.limits import Scope, header


def has_key(scope: Scope, key: bytes) -> bool:
    """Whether the request brings the key."""
    return hmac.compare_digest(key_of(scope), key)


def key_of(scope: Scope) -> bytes:
    """The key that the request brings: X-API-Key, a Bearer token, or the password of Basic; b"" for none."""
    given = header(scope, b"x-api-key")
    if not given:
        scheme, _, rest = header(scope, b"authorization").partition(b" ")
        if scheme.lower() == b"bearer":
            given = rest.strip()
        elif scheme.lower() == b"basic":  # what a browser asks its user for, so that the page needs no other
            given = _password(rest)
    return given


def has_token(scope: Scope, token: bytes) -> bool:
    """Whether the request brings the admin token, in X-Admin-Token."""
    return hmac.compare_digest(header(scope, b"x-admin-token"), token)


def secret(value: SecretStr | None) -> bytes | None:
    """The bytes of a secret, None where there is none."""
    return None if value is None else value.get_secret_value().encode()


def _password(encoded: bytes) -> bytes:
    try:
        return base64.b64decode(encoded.strip(), validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""
