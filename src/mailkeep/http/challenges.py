"""What an ACME authority fetches to see that a name leads here.  RFC 8555 §8.3."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mailkeep.http.services import HttpServices
from mailkeep.model.errors import NotFound


def routes(services: HttpServices) -> list[Route]:
    """``/.well-known/acme-challenge/TOKEN`` on any host."""

    async def challenge(request: Request) -> Response:
        answer = services.challenges.find_answer(request.path_params["token"])
        if answer is None:
            raise NotFound("No such challenge")
        return Response(answer, media_type="application/octet-stream")

    return [Route("/.well-known/acme-challenge/{token}", challenge)]
