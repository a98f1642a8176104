"""The head of a request as an ASGI scope."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote_to_bytes

import h11
from starlette.types import Scope

_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})


class BadRequest(Exception):
    """The head cannot be understood, or is understood in two ways."""


def scope_of(request: h11.Request, *, peer: str, secure: bool) -> Scope:
    """What the application is told of `request`, which came from `peer`.

    Raises: BadRequest.
    """
    headers = [(bytes(name), bytes(value)) for name, value in request.headers]
    names = [name for name, _ in headers]
    if _FRAMING.issubset(names):
        # Others may see another end of this request: RFC 9112 §6.3 calls it an attempt to smuggle one.
        raise BadRequest("Content-Length and Transfer-Encoding exclude each other")
    authority, path, query = _split(bytes(request.target), bytes(request.method))
    if authority is not None:  # RFC 9112 §3.2.2: it counts, and Host does not
        headers = [*((name, value) for name, value in headers if name != b"host"), (b"host", authority)]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": request.http_version.decode("ascii"),
        "method": request.method.decode("ascii"),
        "scheme": "https" if secure else "http",
        "path": _text(unquote_to_bytes(path)),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": headers,
        "client": (peer, 0),
        "server": None,
        "extensions": {},
    }


def _split(target: bytes, method: bytes) -> tuple[bytes | None, bytes, bytes]:
    """Authority (of the absolute form only), path and query.  RFC 9112 §3.2."""
    authority = None
    if target[:7].lower() == b"http://" or target[:8].lower() == b"https://":
        authority, slash, rest = target.partition(b"://")[2].partition(b"/")
        if not authority or any(octet in authority for octet in b"@?#"):
            raise BadRequest("The target is no address of a web server")
        target = slash + rest or b"/"
    elif target == b"*" and method == b"OPTIONS":
        return None, b"*", b""
    if not target.startswith(b"/") or b"#" in target:
        raise BadRequest("The target begins with a slash")
    path, _, query = target.partition(b"?")
    return authority, path, query


def _text(path: bytes) -> str:
    try:
        text = path.decode()
    except UnicodeDecodeError as error:
        raise BadRequest("The path is not UTF-8") from error
    if "\0" in text:
        raise BadRequest("The path has a NUL in it")
    return text


def has_body(scope: Scope) -> bool:
    """Whether a body follows the head.  RFC 9112 §6.3."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )
