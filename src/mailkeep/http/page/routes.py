"""What the set-up page is asked for: itself, what belongs to it, and QR codes."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mailkeep.http.errors import status_of
from mailkeep.http.host import domain_of_address, host_of
from mailkeep.http.page.codes import Codes
from mailkeep.http.page.view import MAX_CODE, Page, render
from mailkeep.http.services import HttpServices
from mailkeep.model.address import parse_address
from mailkeep.model.errors import Invalid, MailError, NotFound
from mailkeep.service.discovery.account_code import account_code
from mailkeep.service.discovery.profile import PROFILE_PATH
from mailkeep.service.wellknown import Site

MAX_TYPED: Final = 500  # characters of what a visitor typed
# The page may use what lies beside it, and nothing else in the world.
POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
# Addresses stand in the URL, and no cache between shall keep them.
PAGE_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
}
FILE_HEADERS: Final = {"Cache-Control": "public, max-age=86400"}
FILES: Final = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}


def routes(services: HttpServices) -> list[Route]:
    """The page at ``/``, its style, script and icon, and the two codes."""
    files = {name: resources.files(__package__).joinpath(name).read_bytes() for name in FILES}
    style, script = (_versioned(name, files[name]) for name in ("page.css", "page.js"))
    site, codes = services.site, Codes()

    async def show(request: Request) -> Response:
        typed = request.query_params.get("address", "").strip()[:MAX_TYPED]
        address, problem, status = "", "", 200
        try:
            address = _own_address(typed, services) if typed else ""
        except MailError as error:
            problem, status = _explain(typed, error), status_of(error)
        page = Page(
            site=site,
            style=style,
            script=script,
            typed=typed,
            address=address,
            problem=problem,
            example=_example(request, services),
        )
        return Response(render(page), status, PAGE_HEADERS, "text/html")

    def file(name: str) -> Route:
        async def answer(_request: Request) -> Response:
            return Response(files[name], headers=FILE_HEADERS, media_type=FILES[name])

        return Route(f"/{name}", answer)

    async def code_of_profile(request: Request) -> Response:
        return await _code(codes, _profile_url(_asked(request, services), site))

    async def code_of_account(request: Request) -> Response:
        return await _code(codes, account_code(_asked(request, services), site))

    return [
        Route("/", show),
        *map(file, FILES),
        Route("/profile.svg", code_of_profile),
        Route("/account.svg", code_of_account),
    ]


def _versioned(name: str, octets: bytes) -> str:
    """A file's address, another one for each other content: so it may be kept, and is never stale."""
    return f"{name}?v={hashlib.sha256(octets).hexdigest()[:12]}"


def _own_address(typed: str, services: HttpServices) -> str:
    """In its normal form.  Raises: Invalid, NotFound (its domain is not served here), Unavailable."""
    domain_of_address(typed, services.is_local)
    return str(parse_address(typed))


def _explain(typed: str, error: MailError) -> str:
    match error:
        case Invalid():
            return f"This is no mail address. {error.text}."
        case NotFound():
            return f"Mail of {typed.rpartition('@')[2]} is not served here. Is the address spelled as it should be?"
        case _:
            return f"The settings cannot be shown at the moment. {error.text}."


def _example(request: Request, services: HttpServices) -> str:
    """The domain that this visitor's address is probably of: that of the host he asked, or the one above it."""
    host = host_of(request)
    try:
        return next(
            (name for name in (host, host.partition(".")[2]) if name and services.is_local(name)), "example.org"
        )
    except MailError:  # the example is not worth an error
        return "example.org"


def _asked(request: Request, services: HttpServices) -> str:
    """The address that a code is of.  Raises: Invalid, NotFound, Unavailable."""
    address = _own_address(request.query_params.get("address", ""), services)
    if len(address) > MAX_CODE:
        raise Invalid("The address is too long for a code")
    return address


def _profile_url(address: str, site: Site) -> str:
    """Raises: NotFound (how the world reaches the web server is not known)."""
    if not site.url:
        raise NotFound("There is no code of the profile")
    return f"{site.url}/{PROFILE_PATH}?email={quote(address, safe='')}"


async def _code(codes: Codes, text: str) -> Response:
    return Response(await codes.svg(text), headers=PAGE_HEADERS, media_type="image/svg+xml")
