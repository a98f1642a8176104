"""Which domain a request is about."""

from __future__ import annotations

from collections.abc import Callable, Collection

from starlette.requests import Request

from mailkeep.model.address import parse_address, parse_domain
from mailkeep.model.errors import Invalid, NotFound


def host_of(request: Request) -> str:
    """The host that the client asked for, in lower-case A-labels and without a port; "" where it named none."""
    name = request.headers.get("host", "").strip()
    if not name.startswith("["):
        name = name.partition(":")[0]
    try:
        return parse_domain(name)
    except Invalid:
        return ""


def domain_of_host(host: str, labels: Collection[str], is_local: Callable[[str], bool]) -> str | None:
    """The domain served here that `host` stands for: one of `labels` before it, or ("" among them) itself.

    Raises: Unavailable.
    """
    label, dot, above = host.partition(".")
    if dot and label in labels and is_local(above):
        return above
    return host if "" in labels and host and is_local(host) else None


def domain_of_address(address: str, is_local: Callable[[str], bool]) -> str:
    """The domain of a mail address, served here.  Whether there is such an account is not looked at.

    Raises: Invalid (no address), NotFound (the domain is not served here), Unavailable.
    """
    domain = parse_address(address).domain
    if not is_local(domain):
        raise NotFound("This domain is not served here")
    return domain
