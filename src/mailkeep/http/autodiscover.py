"""Microsoft's Autodiscover: Outlook asks by POST of XML; Thunderbird does besides, and sends the password along.

No login is asked for, and what clients send as one is neither looked at nor logged: the answer is the same with it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from mailkeep.http.document import document
from mailkeep.http.host import domain_of_address
from mailkeep.http.services import HttpServices
from mailkeep.model.address import parse_address
from mailkeep.model.errors import Invalid
from mailkeep.service.discovery.autodiscover import (
    CONTENT_TYPE,
    JSON_PATH,
    JSON_TYPE,
    POX_PATH,
    Asked,
    Fault,
    Malformed,
    Schema,
    error,
    find_protocol,
    outlook_settings,
    parse_request,
    refuse_protocol,
)

Handler = Callable[[Request], Awaitable[Response]]

FRESH: Final = {"Cache-Control": "no-store"}  # answers to POST, which name an address


def routes(services: HttpServices) -> list[Route]:
    """POX and JSON, below ``/autodiscover/`` in any case of letters: IIS knows none, so clients differ."""

    async def autodiscover_xml(request: Request) -> Response:
        if request.method != "POST":
            return _looked_at(request, services)
        try:
            asked = parse_request(await request.body())
            if not asked.address:
                raise Malformed("no EMailAddress")
            return _answer(asked, services)
        except (Malformed, Invalid) as fault:
            why = fault.text if isinstance(fault, Invalid) else str(fault)
            return _xml(error(Fault.INVALID_REQUEST, datetime.now(UTC), why), 400)

    async def autodiscover_json(request: Request) -> Response:
        query = {name.lower(): value for name, value in request.query_params.items()}
        address = request.path_params.get("address") or query.get("email", "")
        if address:
            domain_of_address(address, services.is_local)
        protocol = query.get("protocol", "")
        found = find_protocol(protocol, services.site)
        if found is not None:
            return document(request, found, JSON_TYPE)
        return Response(
            refuse_protocol(protocol), 404 if protocol else 400, headers={"Content-Type": JSON_TYPE, **FRESH}
        )

    return [
        _any_case(f"/{POX_PATH}", autodiscover_xml, ["GET", "POST"]),
        _any_case(f"/{JSON_PATH}", autodiscover_json, ["GET"]),
        _any_case(f"/{JSON_PATH}/v1.0/{{address}}", autodiscover_json, ["GET"]),
    ]


def _any_case(path: str, handler: Handler, methods: list[str]) -> Route:
    route = Route(path, handler, methods=methods)
    route.path_regex = re.compile(route.path_regex.pattern, re.IGNORECASE)
    return route


def _looked_at(request: Request, services: HttpServices) -> Response:
    """GET: Outlook tries it without TLS, to be told where to go; else somebody looks whether there is anything."""
    if request.url.scheme == "http" and services.site.url:
        return RedirectResponse(f"{services.site.url}/{POX_PATH}", 302, headers=FRESH)
    return _xml(error(Fault.INVALID_REQUEST, datetime.now(UTC), "Requests are sent by POST"))


def _answer(asked: Asked, services: HttpServices) -> Response:
    """Raises: Invalid (no address), NotFound (its domain is not served here), Unavailable."""
    domain_of_address(asked.address, services.is_local)
    match asked.schema:
        case Schema.OUTLOOK:
            return _xml(outlook_settings(str(parse_address(asked.address)), services.site))
        case Schema.MOBILESYNC:
            return _xml(error(Fault.NO_PROVIDER, datetime.now(UTC), "ActiveSync is not served here"))
        case Schema.OTHER:
            return _xml(error(Fault.NO_PROVIDER, datetime.now(UTC)))


def _xml(octets: bytes, status: int = 200) -> Response:
    return Response(octets, status, headers={"Content-Type": CONTENT_TYPE, **FRESH})
