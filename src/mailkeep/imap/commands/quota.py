"""GETQUOTA, GETQUOTAROOT and SETQUOTA."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mailkeep.imap.done import Refused
from mailkeep.imap.session import Authenticated
from mailkeep.imap.wire import response
from mailkeep.imap.wire.quota import SetQuota
from mailkeep.model.errors import NotFound
from mailkeep.model.ids import AccountId
from mailkeep.model.mailbox import MAX_MAILBOXES
from mailkeep.model.quota import Quota, Usage
from mailkeep.service.trees import parse_name

UNIT: Final = 1024  # octets: STORAGE is counted in these (RFC 9208 §5.1)
MAX_STORAGE: Final = (2**63 - 1) // UNIT
RESOURCES: Final = ("STORAGE", "MESSAGE", "MAILBOX")


async def getquota(s: Authenticated, root: str) -> None:
    """What the user's account holds and may hold.  RFC 9208 §4.1.1.  Raises: NotFound (another quota root)."""
    _require_own(s, root)
    await _tell(s, s.account)


async def getquotaroot(s: Authenticated, name: str) -> None:
    """The one quota root of a mailbox, that of the account which holds it, or would.  RFC 9208 §4.1.2.

    Raises: NotFound, Forbidden (the user may not read the mailbox).
    """
    place = await s.places.find(s.account, name)
    if place is not None and not place.may("l") and not place.may("r"):
        place = None  # it must look like one that is not there
    account = s.account
    if place is not None:
        place.require("r")
        account = place.account
    elif parse_name(name) is not None:
        raise NotFound("There is no such mailbox")
    mailbox = response.mailbox(name if place is None else place.name, utf8=s.session.enabled.utf8_names)
    s.session.untagged(response.quotaroot(mailbox, _root(s, account)))
    await _tell(s, account)


async def setquota(s: Authenticated, cmd: SetQuota) -> None:
    """Limit one's own account; to raise a limit, the configuration must allow it.  RFC 9208 §4.1.3.

    Limits that are not named are dropped.  Raises: NotFound (another quota root), Forbidden, Refused (a resource).
    """
    _require_own(s, cmd.root)
    limits = dict(cmd.limits)
    if unknown := limits.keys() - {resource for resource in RESOURCES if _is_offered(s, resource)}:
        raise Refused(f"There is no quota of {min(unknown)[:30]}", b"CANNOT")
    octets = limits.get("STORAGE")
    await s.session.services.quotas.set_own(
        s.account,
        Quota(
            octets=None if octets is None else min(octets, MAX_STORAGE) * UNIT,
            messages=limits.get("MESSAGE"),
            mailboxes=limits.get("MAILBOX"),
        ),
    )
    await _tell(s, s.account)


async def warn_when_over(s: Authenticated, account: AccountId) -> None:
    """Say that an account holds more than it may, where a command that adds messages went through (RFC 9208 §4.3.1)."""
    if (await s.session.services.quotas.usage(account)).is_over:
        s.session.untagged(b"NO [OVERQUOTA] The account holds more than its quota allows")


def _root(s: Authenticated, account: AccountId) -> str:
    """The name of an account's quota root."""
    return f"#user/{s.session.services.accounts.address_of(account)}"


def _require_own(s: Authenticated, root: str) -> None:
    """Others' usage is nobody's business (§8).  An empty name is taken for one's own root, as on other servers."""
    if root not in ("", _root(s, s.account)):
        raise NotFound("There is no such quota root")


async def _tell(s: Authenticated, account: AccountId) -> None:
    usage = await s.session.services.quotas.usage(account)
    rows = [row for row in _rows(usage) if _is_offered(s, row[0])]
    s.session.untagged(response.quota(_root(s, account), rows))


def _is_offered(s: Authenticated, resource: str) -> bool:
    return f"QUOTA=RES-{resource}" not in s.session.options.off


def _rows(usage: Usage) -> Iterable[tuple[str, int, int]]:
    """Resource, usage and limit of what is limited; the number of mailboxes always is (§3.2: inherent limits)."""
    quota = usage.quota
    if quota.octets is not None:
        yield "STORAGE", -(-usage.octets // UNIT), quota.octets // UNIT
    if quota.messages is not None:
        yield "MESSAGE", usage.messages, quota.messages
    yield "MAILBOX", usage.mailboxes, MAX_MAILBOXES if quota.mailboxes is None else min(quota.mailboxes, MAX_MAILBOXES)
