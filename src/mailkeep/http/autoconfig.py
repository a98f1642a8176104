"""Settings for mail programs in Mozilla's form: Thunderbird, K-9, Evolution, KMail, FairEmail and others fetch them."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mailkeep.http.host import domain_of_address, domain_of_host, host_of
from mailkeep.http.services import HttpServices
from mailkeep.model.errors import NotFound
from mailkeep.service.discovery.autoconfig import CONTENT_TYPE, client_config
from mailkeep.service.wellknown import AUTOCONFIG, CONFIG_PATH

LABELS: Final = (AUTOCONFIG, "")


def routes(services: HttpServices) -> list[Route]:
    """Both addresses of draft-ietf-mailmaint-autoconfig §3.2."""

    async def config(request: Request) -> Response:
        document = client_config(_domain(request, services), services.site)
        return Response(document, headers={"Content-Type": CONTENT_TYPE})

    return [Route(f"/{CONFIG_PATH}", config), Route(f"/.well-known/autoconfig/{CONFIG_PATH}", config)]


def _domain(request: Request, services: HttpServices) -> str:
    """That of the address asked about: a provider's ``autoconfig.`` answers for all domains; else of the host.

    Raises: Invalid, NotFound, Unavailable.
    """
    address = request.query_params.get("emailaddress", "")
    # Thunderbird asks for what it did not know either: "emailaddress=%EMAILADDRESS%@example.org"
    if address:
        return domain_of_address(address, services.is_local)
    domain = domain_of_host(host_of(request), LABELS, services.is_local)
    if domain is None:
        raise NotFound("This domain is not served here")
    return domain
