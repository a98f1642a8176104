"""The application: all routes, and what every answer has in common."""

from __future__ import annotations

from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mailkeep.http import autoconfig, autodiscover, challenges, mta_sts, openpgp, pacc, page, profile
from mailkeep.http.body import SMALL, Bounded
from mailkeep.http.errors import status_of
from mailkeep.http.request import BadRequest
from mailkeep.http.services import HttpServices
from mailkeep.model.errors import MailError

# What a document may do where a browser shows it: nothing.  The page that may do more says so itself.
POLICY: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", POLICY.encode("ascii")),
)


def build_app(services: HttpServices) -> ASGIApp:
    """Everything that is served over HTTP."""
    routes: list[BaseRoute] = [
        *autoconfig.routes(services),
        *autodiscover.routes(services),
        *challenges.routes(services),
        *mta_sts.routes(services),
        *openpgp.routes(services),
        *pacc.routes(services),
        *page.routes(services),
        *profile.routes(services),
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={
            MailError: _mail_error,
            BadRequest: _bad_request,
            HTTPException: _http_error,
        },
    )
    app.router.redirect_slashes = False
    return _with_headers(Bounded(app, SMALL))


def _with_headers(app: ASGIApp) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                more = [field for field in HEADERS if field[0] not in present]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        await app(scope, receive, completed)

    return answer


async def _mail_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, MailError)
    return PlainTextResponse(f"{error.text}\n", status_of(error))


async def _bad_request(_request: Request, error: Exception) -> Response:
    return PlainTextResponse(f"{error}\n", 400)


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse(f"{error.detail}\n", error.status_code, headers=error.headers)
