"""PACC: a domain's services in JSON, whose digest stands in DNS.  draft-ietf-mailmaint-pacc."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mailkeep.http.document import document
from mailkeep.http.host import domain_of_host, host_of
from mailkeep.http.services import HttpServices
from mailkeep.model.errors import NotFound
from mailkeep.service.discovery.pacc import CONTENT_TYPE, PACC_PATH, user_agent_configuration
from mailkeep.service.wellknown import PACC

LABELS: Final = (PACC,)


def routes(services: HttpServices) -> list[Route]:
    """``/.well-known/user-agent-configuration.json`` on ``ua-auto-config.DOMAIN``."""

    async def user_agents(request: Request) -> Response:
        domain = domain_of_host(host_of(request), LABELS, services.is_local)
        if domain is None:
            raise NotFound("This domain is not served here")
        return document(request, user_agent_configuration(domain, services.site), CONTENT_TYPE)

    return [Route(f"/{PACC_PATH}", user_agents)]
