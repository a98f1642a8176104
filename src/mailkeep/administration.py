"""What an administrator can ask for: one table of verbs, carried out the same in the server and without one.

- A verb is a frozen value; so is its answer.  Both travel as msgpack maps of plain values.
- Verbs speak of accounts by address and of mailboxes by name.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import msgspec

from mailkeep.acme.office import Certificates, Report
from mailkeep.figures import Figures
from mailkeep.model.address import parse_address, parse_domain
from mailkeep.model.app_password import AppPassword
from mailkeep.model.change import Hint
from mailkeep.model.envelope import Outcome
from mailkeep.model.errors import Conflict, Invalid, MailError, NotFound, Unavailable
from mailkeep.model.ids import AccountId, ModSeq
from mailkeep.model.mailbox import DELIMITER
from mailkeep.model.queued import State
from mailkeep.model.rights import parse_rights
from mailkeep.net.resolver import CachingResolver
from mailkeep.service.accounts import ELSEWHERE, Accounts, Hashed
from mailkeep.service.addresses import Addresses
from mailkeep.service.authentication import Authentication, Service
from mailkeep.service.delivery import Delivery
from mailkeep.service.discovery.files import list_files
from mailkeep.service.discovery.openpgp import key_url
from mailkeep.service.discovery.profile import page_url, profile_url
from mailkeep.service.domains import Domains
from mailkeep.service.greylist import Greylist
from mailkeep.service.mailboxes import Mailboxes
from mailkeep.service.maintenance import Maintenance
from mailkeep.service.messages import Messages
from mailkeep.service.metadata import Metadata
from mailkeep.service.order import Order
from mailkeep.service.places import Places
from mailkeep.service.public_keys import PublicKeys
from mailkeep.service.queue import Queue, parse_queue_id
from mailkeep.service.quotas import Quotas
from mailkeep.service.reports import Reports
from mailkeep.service.search import Search
from mailkeep.service.sent import SentCopies
from mailkeep.service.sharing import How, Sharing
from mailkeep.service.signing import Signing
from mailkeep.service.spool import Spool
from mailkeep.service.submission import Submission
from mailkeep.service.transfer import Transfer
from mailkeep.service.urls import Urls
from mailkeep.service.wellknown import Site
from mailkeep.service.zone import list_key_records, list_records, zone_fragment
from mailkeep.smtp.domain_check import Verdict, check_domain, check_keys

R = TypeVar("R")

AT_ONCE: Final = 200  # messages of the queue that are changed together, in few commits


@dataclass(frozen=True, slots=True, kw_only=True)
class Offices:
    """The services that verbs use."""

    accounts: Accounts
    authentication: Authentication
    addresses: Addresses
    domains: Domains
    signing: Signing
    public_keys: PublicKeys
    site: Site
    certificates: Certificates
    mailboxes: Mailboxes
    messages: Messages
    metadata: Metadata
    places: Places
    quotas: Quotas
    sent: SentCopies
    sharing: Sharing
    transfer: Transfer
    search: Search
    order: Order
    urls: Urls
    delivery: Delivery
    queue: Queue
    reports: Reports
    submission: Submission
    greylist: Greylist
    maintenance: Maintenance
    resolver: CachingResolver
    spool_dir: Path
    message_size: int  # octets; the largest message taken in
    measure: Callable[[], Awaitable[Figures]] | None = None  # of the whole server; None where none runs

    def spool(self) -> Spool:
        """For one message on its way in."""
        return Spool(self.spool_dir, self.message_size)


class Verb(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """Something to be done, whose answer is an `R`."""


class Done(msgspec.Struct, frozen=True):
    """It is done, and there is nothing to tell."""


class SetQuota(Verb[Done], frozen=True):
    """Change the limits of an account: those that are given, 0 for no limit."""

    address: str
    octets: int | None = None
    messages: int | None = None
    mailboxes: int | None = None


class AccountAdded(msgspec.Struct, frozen=True):
    """`domain`: that of the account; `signed`: it has keys, so what the account sends will be signed."""

    domain: str
    signed: bool


class AddAccount(Verb[AccountAdded], frozen=True):
    """Make an account; without a password a shared one, into which nobody logs in.

    `quota` in octets, 0 for no limit; None is the configured default.  `hashed`: the password is a hash from another
    system.  `elsewhere`: its owner logs in by what others check; it has no password, and is not a shared one.
    """

    address: str
    password: str | None
    quota: int | None = None
    hashed: bool = False
    elsewhere: bool = False


class AccountLine(msgspec.Struct, frozen=True, kw_only=True):
    """An account as a list shows it.  A quota of None is no limit; `quota` is that of octets."""

    address: str
    state: str
    shard: int
    octets: int
    messages: int
    mailboxes: int
    quota: int | None
    quota_messages: int | None
    quota_mailboxes: int | None
    shared: bool


class AccountLines(msgspec.Struct, frozen=True):
    """By address."""

    accounts: tuple[AccountLine, ...]


class ListAccounts(Verb[AccountLines], frozen=True):
    """All accounts."""


class ShowAccount(Verb[AccountLine], frozen=True):
    """One account."""

    address: str


class SetPassword(Verb[Done], frozen=True):
    """Change the password of an account; `hashed`: it is a hash from another system."""

    address: str
    password: str
    hashed: bool = False


class AppPasswordLine(msgspec.Struct, frozen=True, kw_only=True):
    """An app password as a list shows it; times are UTC seconds.  `used_at` is about right; None: never yet."""

    number: int
    label: str
    services: tuple[str, ...]
    read_only: bool
    created_at: int
    expires_at: int | None
    used_at: int | None


class AppPasswordAdded(msgspec.Struct, frozen=True):
    """`secret` is what has to be typed; nobody can be told it again."""

    secret: str
    line: AppPasswordLine


class AddAppPassword(Verb[AppPasswordAdded], frozen=True):
    """Make a password for one program or device of an account, for these services (`Service`)."""

    address: str
    label: str
    services: tuple[str, ...]
    read_only: bool = False
    expires_at: int | None = None


class AppPasswordLines(msgspec.Struct, frozen=True):
    """In the order in which they were made."""

    app_passwords: tuple[AppPasswordLine, ...]


class ListAppPasswords(Verb[AppPasswordLines], frozen=True):
    """The app passwords of an account."""

    address: str


class RevokeAppPassword(Verb[Done], frozen=True):
    """Have an app password open nothing any more; sessions that it opened end at once."""

    address: str
    number: int


class SwitchSentCopy(Verb[Done], frozen=True):
    """Whether the server keeps a copy of what an account sends, in its mailbox for sent mail."""

    address: str
    on: bool


class RemoveAccount(Verb[Done], frozen=True):
    """Remove an account and all its mail."""

    address: str


class MoveAccount(Verb[Done], frozen=True):
    """Move an account to another shard; meanwhile nobody can write to it."""

    address: str
    shard: int


class PublishKey(Verb[Done], frozen=True):
    """Publish an OpenPGP key (binary or armored) for an account, in place of another."""

    address: str
    octets: bytes


class PublishedKey(msgspec.Struct, frozen=True):
    """As it is served, in binary; `url`: where."""

    octets: bytes
    url: str


class ShowKey(Verb[PublishedKey], frozen=True):
    """The OpenPGP key of an account."""

    address: str


class WithdrawKey(Verb[Done], frozen=True):
    """Publish the OpenPGP key of an account no longer."""

    address: str


class ServiceLine(msgspec.Struct, frozen=True):
    """See `mailkeep.service.wellknown.MailService`; `security`: TLS or STARTTLS."""

    protocol: str
    host: str
    port: int
    security: str


class SetupLines(msgspec.Struct, frozen=True, kw_only=True):
    """What mail programs of an account need; the best services first.

    `page` and `profile`: URLs of the page for people, with this address, and of the profile for Apple's devices; ""
    where there is none.
    """

    user: str
    services: tuple[ServiceLine, ...]
    page: str
    profile: str


class ShowSetup(Verb[SetupLines], frozen=True):
    """How mail programs are set up for an account."""

    address: str


class AddDomain(Verb[Done], frozen=True):
    """Take mail for a domain, and make keys that sign what it sends."""

    domain: str


class DomainLine(msgspec.Struct, frozen=True, kw_only=True):
    """A domain as a list shows it; `selectors` are those of its keys."""

    domain: str
    accounts: int
    aliases: int
    selectors: tuple[str, ...]


class DomainLines(msgspec.Struct, frozen=True):
    """By name."""

    domains: tuple[DomainLine, ...]


class ListDomains(Verb[DomainLines], frozen=True):
    """The domains that have been added."""


class Text(msgspec.Struct, frozen=True):
    """Something to be read or kept as it is."""

    text: str


class ShowZone(Verb[Text], frozen=True):
    """What DNS has to say of a domain, as a fragment of a zone file.

    `authority`: who alone may make certificates for the server's name; "" lets anybody.
    """

    domain: str
    authority: str


class WebFiles(msgspec.Struct, frozen=True):
    """(host name, path below its root, content)."""

    files: tuple[tuple[str, str, bytes], ...]


class ShowWebFiles(Verb[WebFiles], frozen=True):
    """What a web server has to say of a domain."""

    domain: str


class MakeKeys(Verb[Text], frozen=True):
    """Make new keys for a domain, which wait until `TurnKeys`; the answer is what DNS has to say of them."""

    domain: str


class TurnKeys(Verb[Done], frozen=True):
    """Sign with the keys that wait, and forget the others; `unchecked`: even if DNS does not have them yet."""

    domain: str
    unchecked: bool = False


class FindingLine(msgspec.Struct, frozen=True, kw_only=True):
    """See `mailkeep.smtp.domain_check.Finding`."""

    verdict: str
    name: str
    kind: str
    text: str


class FindingLines(msgspec.Struct, frozen=True):
    """In the order of the zone fragment; `good`: mail suffers from none of them."""

    findings: tuple[FindingLine, ...]
    good: bool


class CheckDomain(Verb[FindingLines], frozen=True):
    """Hold what DNS says of a domain against what it should say; for `authority` see `ShowZone`."""

    domain: str
    authority: str


class CertificateLine(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate.  Times are UTC seconds, 0 for none; `domain` "" is the host's own.

    `names` are none where it cannot be used.  `fault`: of the last attempt to get a new one; `left_out`: names that it
    lacks, with the reason.
    """

    domain: str
    source: str
    file: str
    names: tuple[str, ...]
    issuer: str
    since: int
    until: int
    renew_at: int
    fault: str
    next_at: int
    left_out: tuple[tuple[str, str], ...]


class CertificateLines(msgspec.Struct, frozen=True):
    """The host's own first, then by domain."""

    certificates: tuple[CertificateLine, ...]


class ShowCertificates(Verb[CertificateLines], frozen=True):
    """The certificates that clients are shown."""


class Renewed(msgspec.Struct, frozen=True):
    """(domain or "" for the host's own, names of the certificate now, fault or "", names refused with the reason)."""

    outcomes: tuple[tuple[str, tuple[str, ...], str, tuple[tuple[str, str], ...]], ...]


class RenewCertificates(Verb[Renewed], frozen=True):
    """Ask the authority for new certificates now."""


class RemoveDomain(Verb[Done], frozen=True):
    """Forget a domain that nobody has an address in, and its keys."""

    domain: str


class AddAlias(Verb[Done], frozen=True):
    """Let an address (``@domain``: whatever nobody else has there) lead to an account, besides others."""

    alias: str
    account: str


class AliasLines(msgspec.Struct, frozen=True):
    """(alias, account), ascending."""

    aliases: tuple[tuple[str, str], ...]


class ListAliases(Verb[AliasLines], frozen=True):
    """All aliases."""


class RemoveAlias(Verb[Done], frozen=True):
    """Let an alias no longer lead to an account; without `account`, to nobody."""

    alias: str
    account: str | None = None


class Progress(msgspec.Struct, frozen=True):
    """How far something is, in whatever it counts; `total` 0: it has not begun, or is over."""

    done: int
    total: int


class MoveProgress(Verb[Progress], frozen=True):
    """How far `MoveAccount` is."""

    address: str


class MailboxLine(msgspec.Struct, frozen=True, kw_only=True):
    """A mailbox as a list shows it; `role` is a word of RFC 6154, "" for none."""

    name: str
    role: str
    messages: int
    unseen: int
    octets: int


class MailboxLines(msgspec.Struct, frozen=True):
    """By name."""

    mailboxes: tuple[MailboxLine, ...]


class ListMailboxes(Verb[MailboxLines], frozen=True):
    """All mailboxes of an account."""

    address: str


class CreateMailbox(Verb[Done], frozen=True):
    """Make a mailbox in an account."""

    address: str
    mailbox: str


class AclLines(msgspec.Struct, frozen=True):
    """Identifiers and their rights, the owner first."""

    entries: tuple[tuple[str, str], ...]


class ReadAcl(Verb[AclLines], frozen=True):
    """Who may do what with a mailbox."""

    address: str
    mailbox: str


class ShareMailbox(Verb[Done], frozen=True):
    """Change what an identifier (an address, or ``anyone``) may do with a mailbox, and perhaps with all below it.

    `rights`: letters of RFC 4314, with ``+`` or ``-`` before them to add or remove some; "" takes it off the list.
    """

    address: str
    mailbox: str
    identifier: str
    rights: str
    below: bool = False


class Delivered(msgspec.Struct, frozen=True):
    """Which recipients have the message, and why the others do not."""

    to: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]


class Deliver(Verb[Delivered], frozen=True):
    """Deliver a message as LMTP would; `sender` is the reverse path, "" for none."""

    to: tuple[str, ...]
    sender: str
    octets: bytes


class Restored(msgspec.Struct, frozen=True):
    """How many messages came back, by mailbox."""

    mailboxes: tuple[tuple[str, int], ...]


class Undelete(Verb[Restored], frozen=True):
    """Bring expunged messages back.  `since`: UTC seconds of their removal; None asks no such thing."""

    address: str
    mailbox: str | None = None
    since: int | None = None
    message: str | None = None


class Faults(msgspec.Struct, frozen=True):
    """What is wrong, by address; and the accounts whose interrupted creation, removal or move has been settled."""

    faults: tuple[tuple[str, str], ...]
    finished: tuple[str, ...]
    repaired: tuple[tuple[str, str], ...] = ()  # were wrong, and are no more


class Check(Verb[Faults], frozen=True):
    """Check the invariants of one account's data, or of all."""

    address: str | None = None
    repair: bool = False  # what can be built anew from the mail


class Measured(msgspec.Struct, frozen=True):
    """See `mailkeep.figures`."""

    figures: Figures


class Status(Verb[Measured], frozen=True):
    """What the running server counts."""


class QueuedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the queue as a list shows it.

    `account`: who sends it; `sender`: its reverse path.  `waiting` recipients, of whom a few `domains` are named;
    `attempts` so far and `due_at` (UTC seconds, None: it is held): of those who are due first.  `reason`: what the last
    attempt ended with.
    """

    id: str
    account: str
    sender: str
    size: int
    queued_at: int
    held: bool
    waiting: int
    domains: tuple[str, ...]
    attempts: int
    due_at: int | None
    reason: str


class QueuedLines(msgspec.Struct, frozen=True):
    """By account, then in the order in which they came; `more`: there are others."""

    messages: tuple[QueuedLine, ...]
    more: bool


class ListQueue(Verb[QueuedLines], frozen=True):
    """At most `limit` messages of the queue: of one account, to one domain, or all."""

    account: str | None = None
    domain: str | None = None
    limit: int = 100


class RecipientLine(msgspec.Struct, frozen=True, kw_only=True):
    """A recipient of a queued message.  `state`: waiting, delivered, failed.  `outcome`: of the last attempt, in words.

    `attempts` so far, and when the next is due (None: never, or not before it is released).
    """

    address: str
    state: str
    outcome: str
    attempts: int
    due_at: int | None


class QueuedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the queue, whole."""

    id: str
    account: str
    sender: str
    size: int
    queued_at: int
    held: bool
    recipients: tuple[RecipientLine, ...]


class ShowQueued(Verb[QueuedMessage], frozen=True):
    """One message of the queue."""

    id: str


class Changed(msgspec.Struct, frozen=True):
    """How many messages were changed, and of those that were named why others were not."""

    count: int
    refused: tuple[tuple[str, str], ...] = ()


class ChangeQueue(Verb[Changed], frozen=True):
    """Do something with messages of the queue: ``retry``, ``hold``, ``release`` or ``drop``.

    Those of `ids`; without any all of an account, all to a domain, or all.
    """

    change: str
    ids: tuple[str, ...] = ()
    account: str | None = None
    domain: str | None = None


async def _add_account(offices: Offices, verb: AddAccount) -> AccountAdded:
    password = Hashed(verb.password) if verb.hashed and verb.password is not None else verb.password
    account = await offices.accounts.create(verb.address, ELSEWHERE if verb.elsewhere else password)
    if verb.quota is not None:
        await offices.quotas.change(account.id, octets=verb.quota)
    domain = account.address.rpartition("@")[2]
    return AccountAdded(domain, bool(offices.domains.signing_keys(domain)))


async def _set_quota(offices: Offices, verb: SetQuota) -> Done:
    account = offices.accounts.get(verb.address)
    await offices.quotas.change(account.id, verb.octets, verb.messages, verb.mailboxes)
    return Done()


async def _list_accounts(offices: Offices, _verb: ListAccounts) -> AccountLines:
    return AccountLines(tuple([await _account_line(offices, account.address) for account in offices.accounts.list()]))


async def _show_account(offices: Offices, verb: ShowAccount) -> AccountLine:
    return await _account_line(offices, verb.address)


async def _account_line(offices: Offices, address: str) -> AccountLine:
    account = offices.accounts.get(address)
    usage = await offices.quotas.usage(account.id)
    return AccountLine(
        address=account.address,
        state=account.state,
        shard=account.shard,
        octets=usage.octets,
        messages=usage.messages,
        mailboxes=usage.mailboxes,
        quota=usage.quota.octets,
        quota_messages=usage.quota.messages,
        quota_mailboxes=usage.quota.mailboxes,
        shared=account.shared,
    )


async def _set_password(offices: Offices, verb: SetPassword) -> Done:
    password = Hashed(verb.password) if verb.hashed else verb.password
    await offices.accounts.set_password(verb.address, password)
    offices.authentication.tell_sessions(offices.accounts.get(verb.address).id)
    return Done()


def _app_password_line(kept: AppPassword) -> AppPasswordLine:
    return AppPasswordLine(
        number=kept.number,
        label=kept.label,
        services=tuple(sorted(kept.services)),
        read_only=kept.read_only,
        created_at=kept.created_at,
        expires_at=kept.expires_at,
        used_at=kept.used_at,
    )


async def _add_app_password(offices: Offices, verb: AddAppPassword) -> AppPasswordAdded:
    try:
        services = frozenset(Service(name) for name in verb.services)
    except ValueError as error:
        raise Invalid(f"There is no such service; there are {', '.join(Service)}") from error
    made, secret = await offices.authentication.app_passwords.add(
        offices.accounts.get(verb.address).id,
        verb.label,
        services=services,
        read_only=verb.read_only,
        expires_at=verb.expires_at,
    )
    return AppPasswordAdded(secret, _app_password_line(made))


async def _list_app_passwords(offices: Offices, verb: ListAppPasswords) -> AppPasswordLines:
    app_passwords = offices.authentication.app_passwords
    app_passwords.tell_use()
    account = offices.accounts.get(verb.address).id
    return AppPasswordLines(tuple(_app_password_line(kept) for kept in app_passwords.list(account)))


async def _revoke_app_password(offices: Offices, verb: RevokeAppPassword) -> Done:
    account = offices.accounts.get(verb.address).id
    offices.authentication.app_passwords.revoke(account, verb.number)
    offices.authentication.tell_sessions(account)
    return Done()


async def _switch_sent_copy(offices: Offices, verb: SwitchSentCopy) -> Done:
    await offices.sent.switch(offices.accounts.get(verb.address).id, on=verb.on)
    return Done()


async def _remove_account(offices: Offices, verb: RemoveAccount) -> Done:
    account = offices.accounts.get(verb.address)
    await offices.accounts.remove(verb.address)
    offices.authentication.tell_sessions(account.id)
    return Done()


async def _move_account(offices: Offices, verb: MoveAccount) -> Done:
    await offices.accounts.move(verb.address, verb.shard)
    return Done()


async def _move_progress(offices: Offices, verb: MoveProgress) -> Progress:
    return Progress(*offices.accounts.progress(verb.address))


async def _publish_key(offices: Offices, verb: PublishKey) -> Done:
    offices.public_keys.put(verb.address, verb.octets)
    return Done()


async def _show_key(offices: Offices, verb: ShowKey) -> PublishedKey:
    octets = offices.public_keys.get(verb.address)
    return PublishedKey(octets, key_url(parse_address(verb.address)))


async def _withdraw_key(offices: Offices, verb: WithdrawKey) -> Done:
    offices.public_keys.remove(verb.address)
    return Done()


async def _show_setup(offices: Offices, verb: ShowSetup) -> SetupLines:
    account = offices.accounts.get(verb.address)
    return SetupLines(
        user=account.address,
        services=tuple(
            ServiceLine(each.protocol, each.host, each.port, each.security.value) for each in offices.site.services
        ),
        page=page_url(account.address, offices.site),
        profile=profile_url(account.address, offices.site),
    )


async def _add_domain(offices: Offices, verb: AddDomain) -> Done:
    await offices.domains.add(verb.domain)
    return Done()


async def _list_domains(offices: Offices, _verb: ListDomains) -> DomainLines:
    accounts = Counter(account.address.rpartition("@")[2] for account in offices.accounts.list())
    aliases = Counter(alias.rpartition("@")[2] for alias in {alias for alias, _ in offices.addresses.list_aliases()})
    return DomainLines(
        tuple(
            DomainLine(
                domain=domain.name,
                accounts=accounts[domain.name],
                aliases=aliases[domain.name],
                selectors=tuple(key.selector for key in offices.domains.signing_keys(domain.name)),
            )
            for domain in offices.domains.list()
        )
    )


async def _show_zone(offices: Offices, verb: ShowZone) -> Text:
    domain = offices.domains.get(verb.domain).name
    keys = offices.domains.list_keys(domain)
    return Text(zone_fragment(list_records(domain, offices.site, keys, _authority(verb.authority))))


def _authority(text: str) -> str:
    return parse_domain(text) if text else ""


async def _make_keys(offices: Offices, verb: MakeKeys) -> Text:
    return Text(zone_fragment(list_key_records(await offices.domains.make_keys(verb.domain))))


async def _turn_keys(offices: Offices, verb: TurnKeys) -> Done:
    waiting = [key for key in offices.domains.list_keys(verb.domain) if key.waiting]
    offices.resolver.forget()  # that the records were not there a while ago
    findings = () if verb.unchecked else await check_keys(waiting, offices.resolver)
    for finding in findings:
        if finding.verdict is not Verdict.GOOD:
            raise Conflict(f"{finding.name}: {finding.text}")
    offices.domains.turn_keys(verb.domain)
    return Done()


async def _show_web_files(offices: Offices, verb: ShowWebFiles) -> WebFiles:
    domain = offices.domains.get(verb.domain).name
    return WebFiles(list_files(domain, offices.site))


async def _check_domain(offices: Offices, verb: CheckDomain) -> FindingLines:
    domain = offices.domains.get(verb.domain).name
    keys = offices.domains.list_keys(domain)
    offices.resolver.forget()  # whoever has mended something asks again at once
    findings = await check_domain(domain, offices.site, keys, offices.resolver, _authority(verb.authority))
    lines = tuple(
        FindingLine(verdict=each.verdict.value, name=each.name, kind=each.kind, text=each.text) for each in findings
    )
    return FindingLines(lines, all(each.verdict in (Verdict.GOOD, Verdict.ADVICE) for each in findings))


async def _remove_domain(offices: Offices, verb: RemoveDomain) -> Done:
    offices.domains.remove(verb.domain)
    return Done()


async def _add_alias(offices: Offices, verb: AddAlias) -> Done:
    offices.addresses.add_alias(verb.alias, verb.account)
    return Done()


async def _list_aliases(offices: Offices, _verb: ListAliases) -> AliasLines:
    return AliasLines(offices.addresses.list_aliases())


async def _remove_alias(offices: Offices, verb: RemoveAlias) -> Done:
    offices.addresses.remove_alias(verb.alias, verb.account)
    return Done()


async def _list_mailboxes(offices: Offices, verb: ListMailboxes) -> MailboxLines:
    account = offices.accounts.get(verb.address)
    return MailboxLines(
        tuple(
            MailboxLine(
                name=mailbox.name,
                role=mailbox.role or "",
                messages=mailbox.total,
                unseen=mailbox.unseen,
                octets=mailbox.size,
            )
            for mailbox in await offices.mailboxes.list(account.id)
        )
    )


async def _create_mailbox(offices: Offices, verb: CreateMailbox) -> Done:
    await offices.places.create(offices.accounts.get(verb.address).id, verb.mailbox)
    return Done()


async def _read_acl(offices: Offices, verb: ReadAcl) -> AclLines:
    place = await offices.places.get(offices.accounts.get(verb.address).id, verb.mailbox)
    return AclLines(await offices.sharing.list(place))


async def _share_mailbox(offices: Offices, verb: ShareMailbox) -> Done:
    account = offices.accounts.get(verb.address).id
    sign = verb.rights[:1]
    how = {"+": How.ADD, "-": How.REMOVE}.get(sign, How.REPLACE)
    rights = parse_rights(verb.rights.lstrip("+-") if how is not How.REPLACE else verb.rights)
    places = [await offices.places.get(account, verb.mailbox)]
    if verb.below:
        above = places[0].name + DELIMITER
        places += [p for p in await offices.places.list(account, foreign=False) if p.name.startswith(above)]
    for place in places:
        await offices.sharing.change(place, verb.identifier, how, rights)
    return Done()


async def _deliver(offices: Offices, verb: Deliver) -> Delivered:
    spool = offices.spool()
    spool.write(verb.octets)
    octets = spool.finish()
    done: list[str] = []
    refused: list[tuple[str, str]] = []
    for recipient in verb.to:
        try:
            for account in offices.addresses.resolve(recipient):
                await offices.delivery.deliver(account, recipient, verb.sender, octets)
        except MailError as error:
            refused.append((recipient, error.text))
        else:
            done.append(recipient)
    octets.discard()
    return Delivered(tuple(done), tuple(refused))


async def _undelete(offices: Offices, verb: Undelete) -> Restored:
    account = offices.accounts.get(verb.address)
    restored = await offices.messages.undelete(account.id, verb.mailbox, verb.since, verb.message)
    names = {mailbox.id: mailbox.name for mailbox in await offices.mailboxes.list(account.id)}
    return Restored(tuple((names[copied.mailbox], len(copied.target)) for copied in restored))


async def _check(offices: Offices, verb: Check) -> Faults:
    finished = await offices.accounts.finish()
    await offices.maintenance.clear_moved()
    accounts = offices.accounts.list() if verb.address is None else (offices.accounts.get(verb.address),)
    faults: list[tuple[str, str]] = []
    repaired: list[tuple[str, str]] = []
    for account in accounts:
        faults += [(account.address, fault) for fault in await offices.maintenance.check(account.id)]
        wrong = [(account.address, fault) for fault in await offices.maintenance.check_text(account.id)]
        if wrong and verb.repair:
            await offices.maintenance.drop_text(account.id)
            offices.messages.bus.publish(Hint(account.id, frozenset(), ModSeq(0)))  # the indexer hears of it
            repaired += wrong
        else:
            faults += wrong
    if verb.address is None:
        faults += [*offices.addresses.check(), *offices.domains.check()]
    return Faults(tuple(faults), finished, tuple(repaired))


async def _status(offices: Offices, _verb: Status) -> Measured:
    if offices.measure is None:
        raise Unavailable("No server runs on this data")
    return Measured(await offices.measure())


async def _list_queue(offices: Offices, verb: ListQueue) -> QueuedLines:
    account, domain = _chosen(offices, verb.account, verb.domain)
    lines = await offices.queue.list(account, domain, (0, 0), verb.limit + 1)
    found = [
        QueuedLine(
            id=line.id,
            account=_address(offices, line.account),
            sender=line.reverse_path,
            size=line.size,
            queued_at=line.queued_at,
            held=line.held,
            waiting=line.waiting,
            domains=line.domains,
            attempts=line.attempts,
            due_at=line.due_at,
            reason=line.reason,
        )
        for line in lines[: verb.limit]
    ]
    return QueuedLines(tuple(found), len(lines) > verb.limit)


def _chosen(offices: Offices, account: str | None, domain: str | None) -> tuple[AccountId | None, str | None]:
    return offices.accounts.get(account).id if account else None, parse_domain(domain) if domain else None


def _address(offices: Offices, account: AccountId) -> str:
    try:
        return offices.accounts.address_of(account)
    except NotFound:  # it has just been removed
        return ""


async def _show_queued(offices: Offices, verb: ShowQueued) -> QueuedMessage:
    item = await offices.queue.get(*parse_queue_id(verb.id))
    legs = [(one, leg.attempts, leg.due_at) for leg in item.legs for one in leg.recipients]
    return QueuedMessage(
        id=item.id,
        account=_address(offices, item.account),
        sender=item.envelope.reverse_path,
        size=item.size,
        queued_at=item.queued_at,
        held=item.held,
        recipients=tuple(
            RecipientLine(
                address=one.recipient.address,
                state=one.state.name.lower(),
                outcome=_words(one.outcome),
                attempts=attempts,
                due_at=due_at if one.state is State.WAITING else None,
            )
            for one, attempts, due_at in sorted(
                [*legs, *((one, 0, None) for one in item.finished)], key=lambda each: each[0].number
            )
        ),
    )


def _words(outcome: Outcome | None) -> str:
    if outcome is None:
        return ""
    who = f"{outcome.host} said: " if outcome.host else ""
    return f"{who}{outcome.code or ''} {outcome.enhanced} {outcome.text}".replace(":  ", ": ").strip()


async def _change_queue(offices: Offices, verb: ChangeQueue) -> Changed:
    queue = offices.queue
    changes = {"retry": queue.retry, "hold": queue.hold, "release": queue.release, "drop": queue.drop}
    if verb.change not in changes:
        raise Invalid(f"Nothing in the queue can be told to {verb.change}")
    change = changes[verb.change]
    if verb.ids:
        chosen = [(name, *parse_queue_id(name)) for name in dict.fromkeys(verb.ids)]
        whys = await asyncio.gather(*(_why_not(change(account, item)) for _, account, item in chosen))
        refused = tuple((name, why) for (name, _, _), why in zip(chosen, whys, strict=True) if why)
        return Changed(len(chosen) - len(refused), refused)
    account, domain = _chosen(offices, verb.account, verb.domain)
    count, place = 0, (0, 0)
    while lines := await queue.list(account, domain, place, AT_ONCE):
        place = lines[-1].account, lines[-1].number
        whys = await asyncio.gather(*(_why_not(change(line.account, line.number)) for line in lines))
        count += whys.count("")
    return Changed(count)


async def _why_not(change: Awaitable[None]) -> str:
    """ "" if it is done."""
    try:
        await change
    except (NotFound, Conflict) as error:
        return error.text
    return ""


async def _show_certificates(offices: Offices, _verb: ShowCertificates) -> CertificateLines:
    return CertificateLines(tuple(map(_certificate_line, offices.certificates.report())))


def _certificate_line(report: Report) -> CertificateLine:
    held, notes = report.held, report.notes
    refused = {name: refusal.reason for name, refusal in notes.refused.items()}
    return CertificateLine(
        domain=report.domain,
        source=report.source,
        file=str(report.files.certificate) if report.files is not None else "",
        names=held.names if held is not None else (),
        issuer=held.issuer if held is not None else "",
        since=int(held.since.timestamp()) if held is not None else 0,
        until=int(held.until.timestamp()) if held is not None else 0,
        renew_at=int(report.renew_at),
        fault=notes.fault,
        next_at=int(notes.next_at),
        left_out=tuple(sorted({**refused, **notes.elsewhere}.items())),
    )


async def _renew_certificates(offices: Offices, _verb: RenewCertificates) -> Renewed:
    outcomes = await offices.certificates.renew()
    return Renewed(tuple((each.group, each.names, each.fault, tuple(each.refused.items())) for each in outcomes))


@dataclass(frozen=True, slots=True)
class Row:
    """A verb by its name, with its answer and what carries it out."""

    name: str
    verb: type[Verb[Any]]
    answer: type[msgspec.Struct]
    run: Callable[[Offices, Any], Awaitable[msgspec.Struct]]


VERBS: Final = (
    Row("account add", AddAccount, AccountAdded, _add_account),
    Row("account list", ListAccounts, AccountLines, _list_accounts),
    Row("account show", ShowAccount, AccountLine, _show_account),
    Row("account set-quota", SetQuota, Done, _set_quota),
    Row("account password", SetPassword, Done, _set_password),
    Row("account app-password add", AddAppPassword, AppPasswordAdded, _add_app_password),
    Row("account app-password list", ListAppPasswords, AppPasswordLines, _list_app_passwords),
    Row("account app-password revoke", RevokeAppPassword, Done, _revoke_app_password),
    Row("account sent-copy", SwitchSentCopy, Done, _switch_sent_copy),
    Row("account remove", RemoveAccount, Done, _remove_account),
    Row("account move", MoveAccount, Done, _move_account),
    Row("account move progress", MoveProgress, Progress, _move_progress),
    Row("account openpgp set", PublishKey, Done, _publish_key),
    Row("account openpgp show", ShowKey, PublishedKey, _show_key),
    Row("account openpgp remove", WithdrawKey, Done, _withdraw_key),
    Row("account setup", ShowSetup, SetupLines, _show_setup),
    Row("domain add", AddDomain, Done, _add_domain),
    Row("domain list", ListDomains, DomainLines, _list_domains),
    Row("domain dns", ShowZone, Text, _show_zone),
    Row("domain web", ShowWebFiles, WebFiles, _show_web_files),
    Row("domain new-keys", MakeKeys, Text, _make_keys),
    Row("domain turn-keys", TurnKeys, Done, _turn_keys),
    Row("domain check", CheckDomain, FindingLines, _check_domain),
    Row("certificate show", ShowCertificates, CertificateLines, _show_certificates),
    Row("certificate renew", RenewCertificates, Renewed, _renew_certificates),
    Row("domain remove", RemoveDomain, Done, _remove_domain),
    Row("alias add", AddAlias, Done, _add_alias),
    Row("alias list", ListAliases, AliasLines, _list_aliases),
    Row("alias remove", RemoveAlias, Done, _remove_alias),
    Row("mailbox list", ListMailboxes, MailboxLines, _list_mailboxes),
    Row("mailbox create", CreateMailbox, Done, _create_mailbox),
    Row("mailbox acl", ReadAcl, AclLines, _read_acl),
    Row("mailbox share", ShareMailbox, Done, _share_mailbox),
    Row("deliver", Deliver, Delivered, _deliver),
    Row("undelete", Undelete, Restored, _undelete),
    Row("queue list", ListQueue, QueuedLines, _list_queue),
    Row("queue show", ShowQueued, QueuedMessage, _show_queued),
    Row("queue change", ChangeQueue, Changed, _change_queue),
    Row("status", Status, Measured, _status),
    Row("check", Check, Faults, _check),
)


def row_of(verb: Verb[Any]) -> Row:
    """The row of the table that is about this verb."""
    return next(row for row in VERBS if row.verb is type(verb))


async def run(offices: Offices, verb: Verb[R]) -> R:
    """Carry out `verb`.  Raises: MailError."""
    answer: Any = await row_of(verb).run(offices, verb)
    return answer  # type: ignore[no-any-return]  # the table pairs verbs with their answers


async def run_encoded(offices: Offices, name: str, arguments: bytes) -> bytes:
    """Carry out the verb `name`; arguments and answer are msgpack.  Raises: MailError, msgspec.DecodeError."""
    row = next((row for row in VERBS if row.name == name), None)
    if row is None:
        raise Invalid(f"there is no verb {name}")
    return msgspec.msgpack.encode(await run(offices, msgspec.msgpack.decode(arguments, type=row.verb)))
