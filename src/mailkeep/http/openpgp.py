"""Web Key Directory: OpenPGP keys by address.  draft-koch-openpgp-webkey-service §3.1."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mailkeep.http.document import document
from mailkeep.http.host import domain_of_host, host_of
from mailkeep.http.services import HttpServices
from mailkeep.model.address import parse_domain
from mailkeep.model.errors import NotFound
from mailkeep.service.discovery.openpgp import CONTENT_TYPE, POLICY, ROOT

ANYBODY: Final = {"Access-Control-Allow-Origin": "*"}  # mail programs that run in browsers


def routes(services: HttpServices) -> list[Route]:
    """The advanced method, whose paths name the domain, and the direct one, whose host is the domain."""

    async def key(request: Request) -> Response:
        found = services.find_key(_domain(request, services), request.path_params["hashed"])
        if found is None:
            raise NotFound("There is no key of that address")
        return document(request, found, CONTENT_TYPE, ANYBODY)

    async def policy(request: Request) -> Response:
        _domain(request, services)
        return document(request, POLICY, "text/plain; charset=utf-8", ANYBODY)

    return [
        Route(f"/{ROOT}/hu/{{hashed}}", key),
        Route(f"/{ROOT}/policy", policy),
        Route(f"/{ROOT}/{{domain}}/hu/{{hashed}}", key),
        Route(f"/{ROOT}/{{domain}}/policy", policy),
    ]


def _domain(request: Request, services: HttpServices) -> str:
    """Raises: NotFound (not served here), Invalid (no domain), Unavailable."""
    named = request.path_params.get("domain", "")
    domain = parse_domain(named) if named else domain_of_host(host_of(request), ("",), services.is_local)
    if domain is None or not services.is_local(domain):
        raise NotFound("This domain is not served here")
    return domain
