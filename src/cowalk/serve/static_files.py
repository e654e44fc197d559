"""The page's own files, as they were built: read once, sent packed to those who can unpack them."""

from __future__ import annotations

import gzip
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from typing import NamedTuple

from cowalk.serve.limits import Scope, header
from cowalk.serve.operations import Reply

FILES = {
    "index.html": "text/html; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "page.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "LICENCES.txt": "text/plain; charset=utf-8",
}
"""All that there is: a name that is not here does not reach the file system."""
POLICY = (
    b"content-security-policy",
    b"default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
)


class File(NamedTuple):
    """The bytes of a file, plain and packed, and what tells this content from another."""

    plain: bytes
    packed: bytes
    tag: str


@cache
def file(name: str) -> File:
    """The file of this name, one of FILES."""
    plain = (files("cowalk.serve") / "static" / name).read_bytes()
    return File(plain, gzip.compress(plain, 9, mtime=0), blake2b(plain, digest_size=8).hexdigest())


def sent(scope: Scope, name: str) -> Reply:
    """The answer to a request for a file of the page."""
    found = file(name)
    return tagged(scope, found.tag, found.plain, FILES[name], packed=found.packed, more=(POLICY,))


def tagged(
    scope: Scope, tag: str, body: bytes, media: str, *, packed: bytes | None = None,
    more: tuple[tuple[bytes, bytes], ...] = (),
) -> Reply:  # fmt: skip
    """The body with its ETag, packed where the client takes that; 304 where it has it already."""
    quoted = b'"%s"' % tag.encode()
    always = ((b"etag", quoted), (b"cache-control", b"no-cache"), (b"vary", b"accept-encoding"), *more)
    if quoted in header(scope, b"if-none-match"):
        return Reply(b"", media, 304, always)
    if packed is not None and b"gzip" in header(scope, b"accept-encoding").lower():
        return Reply(packed, media, 200, ((b"content-encoding", b"gzip"), *always))
    return Reply(body, media, 200, always)
