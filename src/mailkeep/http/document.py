"""Answers that are the same for everybody, and may be kept for a while."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

MAX_AGE_S: Final = 3600


def document(request: Request, octets: bytes, content_type: str, headers: Mapping[str, str] | None = None) -> Response:
    """`octets` with an entity tag, or 304 where the client has them already.  RFC 9110 §13.1.2."""
    tag = f'"{hashlib.sha256(octets).hexdigest()[:32]}"'
    fields = {**(headers or {}), "Cache-Control": f"max-age={MAX_AGE_S}", "ETag": tag}
    known = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    if tag in known or "*" in known:
        return Response(status_code=304, headers=fields)
    return Response(octets, headers={**fields, "Content-Type": content_type})
