"""Building the services on a store, and running what they do in the background."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Self

import apsw

from mailkeep import telemetry
from mailkeep.administration import Offices
from mailkeep.config import Address, Config, ConfigError, OAuth, Relay
from mailkeep.imap.derive import DERIVERS, PARTS
from mailkeep.issuing import build_certificates, settings_of
from mailkeep.logins import require_login_files
from mailkeep.model.errors import Unavailable
from mailkeep.model.quota import Quota
from mailkeep.net.resolver import CachingResolver, Resolver
from mailkeep.pop3.derive import DERIVERS as POP3_DERIVERS
from mailkeep.service.accounts import Accounts
from mailkeep.service.addresses import Addresses
from mailkeep.service.allowance import Allowance
from mailkeep.service.authentication import Authentication
from mailkeep.service.bus import Bus
from mailkeep.service.delivery import Delivery
from mailkeep.service.domains import Domains
from mailkeep.service.greylist import Greylist
from mailkeep.service.guard import Guard
from mailkeep.service.ledger import Ledger
from mailkeep.service.lessons import Learn, Lesson, write_down
from mailkeep.service.mailboxes import Mailboxes
from mailkeep.service.maintenance import Maintenance
from mailkeep.service.messages import Messages
from mailkeep.service.metadata import Metadata
from mailkeep.service.order import Order
from mailkeep.service.passwords import Passwords
from mailkeep.service.places import Places
from mailkeep.service.preview import PREVIEW
from mailkeep.service.public_keys import PublicKeys
from mailkeep.service.queue import Queue
from mailkeep.service.quotas import Quotas
from mailkeep.service.recents import Recents
from mailkeep.service.reports import Reports
from mailkeep.service.search import Search
from mailkeep.service.search_fields import SEARCH_FIELDS
from mailkeep.service.sent import SentCopies
from mailkeep.service.sharing import Sharing
from mailkeep.service.signing import Signing
from mailkeep.service.submission import Submission
from mailkeep.service.transfer import Transfer
from mailkeep.service.urls import Urls
from mailkeep.service.wellknown import OAuth as PublicOAuth
from mailkeep.service.wellknown import Site
from mailkeep.smtp.courier import Courier, Smarthost
from mailkeep.smtp.outbound.client import Dialler
from mailkeep.smtp.outbound.login import Login
from mailkeep.smtp.outbound.policies import Policies
from mailkeep.smtp.outbound.protection import Protections
from mailkeep.smtp.outbound.routes import Routes
from mailkeep.smtp.outbound.tls import Contexts, TlsResults, Way
from mailkeep.store.contract import Directory
from mailkeep.store.sqlite.connection import NewerSchema, WrongSetting
from mailkeep.store.sqlite.store import Part, SqliteStore

UPKEEP_PAUSE_S: Final = 5.0  # after a fault

log = telemetry.logger()


def open_store(config: Config, part: Part | None = None) -> SqliteStore:
    """The store of `config`, or what one of several processes has of it.  Raises: Unavailable."""
    try:
        return SqliteStore(config.data_dir, shards=config.databases, part=part)
    except (NewerSchema, WrongSetting, apsw.Error, OSError) as error:
        raise Unavailable(f"The data in {config.data_dir} cannot be opened: {error}") from error


@dataclass(frozen=True, slots=True)
class Shared:
    """What the processes of a server keep in memory that they all see."""

    ledger: Ledger
    recents: Recents

    @classmethod
    def alone(cls) -> Self:
        """Of a process that is the only one."""
        return cls(Ledger.alone(), Recents.alone())

    def close(self) -> None:
        """Let go, for this process."""
        self.ledger.close()
        self.recents.close()


def build_offices(config: Config, store: SqliteStore, bus: Bus, shared: Shared, learn: Learn | None = None) -> Offices:
    """All services on `store`.  `learn`: has written down what logins teach, where this process does not."""
    passwords = Passwords(scram=config.auth.scram)
    accounts = Accounts(store.directory, store, passwords, quota=first_quota(config))
    domains = Domains(store.directory)
    mailboxes = Mailboxes(store, bus)
    places = Places(accounts, mailboxes, store, bus)
    messages = Messages(store, bus, (*DERIVERS, *POP3_DERIVERS, SEARCH_FIELDS, PREVIEW), recents=shared.recents)
    store.on_unheard = messages.views.doubt
    search = Search(store)
    metadata = Metadata(store, bus, config.imap.server_entries)
    addresses = Addresses(store.directory)
    signing = Signing(domains)
    delivery = Delivery(accounts, mailboxes, messages, hostname=config.hostname)
    queue = Queue(store, bus)
    sent = SentCopies(metadata, mailboxes, messages)
    return Offices(
        accounts=accounts,
        authentication=Authentication(
            store.directory,
            bus,
            Guard(shared.ledger, throttled=config.auth.throttle),
            passwords,
            learn or partial(write_down_safely, store.directory),
            channel_binding=config.auth.channel_binding,
        ),
        addresses=addresses,
        domains=domains,
        signing=signing,
        public_keys=PublicKeys(store.directory),
        site=build_site(config),
        certificates=build_certificates(config),
        mailboxes=mailboxes,
        messages=messages,
        metadata=metadata,
        places=places,
        sent=sent,
        sharing=Sharing(accounts, store, bus),
        transfer=Transfer(store, messages),
        search=search,
        order=Order(store, search.numberings),
        urls=Urls(accounts, places, messages, store, parts_kind=PARTS),
        delivery=delivery,
        queue=queue,
        reports=Reports(delivery, hostname=config.hostname),
        submission=Submission(
            accounts,
            addresses,
            queue,
            signing,
            sent,
            Allowance(
                shared.ledger,
                messages=config.submission.messages_per_hour,
                recipients=config.submission.recipients_per_hour,
            ),
            hostname=config.hostname,
            foreign_authors=config.submission.foreign_authors,
        ),
        greylist=Greylist(store, config.filter.greylist),
        maintenance=Maintenance(store),
        quotas=Quotas(store, owner_may_raise=config.accounts.owner_may_raise),
        resolver=build_resolver(config),
        spool_dir=store.spool_dir,
        message_size=config.limits.message_size,
    )


def write_down_safely(directory: Directory, lesson: Lesson) -> None:
    """A login must not fail because what it teaches cannot be kept."""
    try:
        write_down(directory, lesson)
    except Unavailable as error:
        log.error("auth.not_written_down", reason=error.text)


def build_site(config: Config) -> Site:
    """What of the server `config` lets the world find."""
    listen = config.listen
    return Site(
        hostname=config.hostname.lower().removesuffix("."),
        imap=_port(listen.imap),
        imaps=_port(listen.imaps),
        pop3=_port(listen.pop3),
        pop3s=_port(listen.pop3s),
        submission=_port(listen.submission),
        submissions=_port(listen.submissions),
        http=_port(listen.http),
        https=_port(listen.https),
        web=config.web.url,
        relay=config.relay.host,
        names=config.web.pairs,
        oauth=_oauth(config.oauth) if config.oauth.issuer else None,
    )


def _oauth(wanted: OAuth) -> PublicOAuth:
    return PublicOAuth(
        issuer=wanted.issuer,
        scopes=wanted.scopes,
        authorize_url=wanted.authorize_url,
        token_url=wanted.token_url,
        client_id=wanted.public_client if wanted.authorize_url and wanted.token_url else "",
    )


def site_at(site: Site, bound: Mapping[str, Sequence[socket.socket]]) -> Site:
    """The same with the ports that the system gave where any would do.  `bound`: for each listener its sockets."""

    def given(name: str, port: int | None) -> int | None:
        return int(bound[name][0].getsockname()[1]) if port == 0 and bound.get(name) else port

    return replace(
        site,
        imap=given("imap", site.imap),
        imaps=given("imaps", site.imaps),
        pop3=given("pop3", site.pop3),
        pop3s=given("pop3s", site.pop3s),
        submission=given("submission", site.submission),
        submissions=given("submissions", site.submissions),
        http=given("http", site.http),
        https=given("https", site.https),
    )


def _port(address: Address | None) -> int | None:
    return None if address is None else address.port


def build_resolver(config: Config) -> CachingResolver:
    """What asks DNS as `config` says."""
    return CachingResolver(config.dns.servers, timeout_s=float(config.dns.timeout))


def require_files(config: Config) -> None:
    """What sends mail, judges it, lets in or gets certificates can use the files that `config` names.

    Raises: ConfigError.
    """
    require_login_files(config)
    _contexts(config)
    _smarthost(config.relay)
    settings_of(config)
    hook = config.filter.hook
    if hook is not None:
        try:
            compile(hook.read_bytes(), hook, "exec")
        except (OSError, SyntaxError, ValueError) as error:  # ValueError: a NUL in it
            raise ConfigError(f"filter.hook: {hook}: cannot be used: {_why(error)}") from error


def build_courier(config: Config, resolver: Resolver) -> Courier:
    """What gives mail to other servers as `config` says.  Raises: ConfigError (a file of it cannot be used)."""
    # Its HTTP library takes an eighth of a second to load: commands that send nothing do without.
    from mailkeep.smtp.outbound.web import PolicyWeb

    results = TlsResults()
    contexts = _contexts(config)
    routes = Routes(resolver, config.hostname)
    web = PolicyWeb(routes, contexts.verified, config.outbound.policy_port)
    policies = Policies(resolver, web.fetch, config.data_dir / "mta-sts", results)
    return Courier(
        dialler=Dialler(hello=config.hostname, contexts=contexts, results=results),
        routes=routes,
        protections=Protections(resolver, policies, results, config.outbound.port),
        port=config.outbound.port,
        concurrency=config.outbound.connections,
        smarthost=_smarthost(config.relay) if config.relay.host else None,
    )


def _why(error: Exception) -> str:
    """Without the path, which has been named."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def _contexts(config: Config) -> Contexts:
    try:
        return Contexts(config.outbound.authorities)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"outbound.authorities: {config.outbound.authorities}: cannot be used: {_why(error)}"
        ) from error


def _smarthost(relay: Relay) -> Smarthost:
    ways = {
        "starttls": (Way.PKIX,),
        "implicit": (Way.PKIX,),
        "opportunistic": (Way.ENCRYPTED, Way.CLEAR),
        "none": (Way.CLEAR,),
    }
    login = None
    if relay.password_file is not None:
        try:
            password = relay.password_file.read_text("utf-8").split("\n")[0].removesuffix("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"relay.password_file: {relay.password_file}: cannot be read: {_why(error)}") from error
        login = Login(relay.user, password)
    return Smarthost(
        name=relay.host, port=relay.port, ways=ways[relay.tls], implicit_tls=relay.tls == "implicit", login=login
    )


def first_quota(config: Config) -> Quota:
    """What a new account may hold."""
    limits = config.accounts
    return Quota(
        octets=limits.quota or None, messages=limits.quota_messages or None, mailboxes=limits.quota_mailboxes or None
    )


async def run_upkeep(work: Callable[[], Awaitable[None]]) -> None:
    """Run some background work until cancelled; a fault there (a full disk) must not end the server."""
    while True:
        try:
            await work()
        except Exception as error:
            log.error("store.upkeep_failed", exc_info=error)
            await asyncio.sleep(UPKEEP_PAUSE_S)
