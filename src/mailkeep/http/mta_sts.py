"""The policy of MTA-STS: other servers fetch it, and then insist on TLS with the hosts it names.  RFC 8461."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mailkeep.http.host import domain_of_host, host_of
from mailkeep.http.services import HttpServices
from mailkeep.model.errors import NotFound
from mailkeep.service.wellknown import MTA_STS, POLICY_PATH, mta_sts_policy


def routes(services: HttpServices) -> list[Route]:
    """``/.well-known/mta-sts.txt`` on ``mta-sts.DOMAIN``.  RFC 8461 §3.3."""

    async def policy(request: Request) -> Response:
        if domain_of_host(host_of(request), (MTA_STS,), services.is_local) is None:
            raise NotFound("No policy here")
        return PlainTextResponse(mta_sts_policy(services.site))

    return [Route(f"/{POLICY_PATH}", policy)]
