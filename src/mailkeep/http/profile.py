"""Apple's configuration profiles, signed: the page for setting up links to them."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mailkeep.http.host import domain_of_address
from mailkeep.http.services import HttpServices
from mailkeep.model.address import parse_address
from mailkeep.service.discovery.profile import CONTENT_TYPE, PROFILE_PATH, build_profile

AT_ONCE: Final = 2  # signatures: each takes a thread and some milliseconds of computing


def routes(services: HttpServices) -> list[Route]:
    """``/mail.mobileconfig?email=ADDRESS`` on any host."""
    signing = asyncio.Semaphore(AT_ONCE)

    async def profile(request: Request) -> Response:
        asked = request.query_params.get("email", "")
        domain = domain_of_address(asked, services.is_local)
        built = build_profile(str(parse_address(asked)), services.site)
        async with signing:
            signed = await asyncio.to_thread(services.sign_profile, built)
        headers = {
            "Content-Type": CONTENT_TYPE,
            "Content-Disposition": f'attachment; filename="{domain}.mobileconfig"',
            "Cache-Control": "no-store",
        }
        return Response(signed, headers=headers)

    return [Route(f"/{PROFILE_PATH}", profile)]
