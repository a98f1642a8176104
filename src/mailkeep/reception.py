"""Where clients come in: the listeners of all protocols, and what their sessions are given."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Final

from starlette.types import ASGIApp

from mailkeep import telemetry
from mailkeep.acme.challenges import Challenges
from mailkeep.administration import Offices
from mailkeep.certificates import TlsContext
from mailkeep.checks import Checks, build_checks, build_gate
from mailkeep.config import Config, ConfigError
from mailkeep.control import Door
from mailkeep.figures import Figure
from mailkeep.http.app import build_app
from mailkeep.http.connection import HttpConnection
from mailkeep.http.connection import Options as HttpOptions
from mailkeep.http.services import HttpServices
from mailkeep.imap.capabilities import off_in
from mailkeep.imap.connection import ImapConnection
from mailkeep.imap.session import Options as ImapOptions
from mailkeep.imap.session import Services as ImapServices
from mailkeep.logins import build_elsewhere
from mailkeep.model.errors import Unsupported
from mailkeep.net.connection import Connection
from mailkeep.net.connection import Session as ConnectionSession
from mailkeep.net.lane import Lane, Spawn
from mailkeep.net.limits import AddressLimit
from mailkeep.net.listener import Listener, Proxies
from mailkeep.pop3.connection import Pop3Connection
from mailkeep.pop3.maildrop import Maildrops
from mailkeep.pop3.session import Options as Pop3Options
from mailkeep.pop3.session import Services as Pop3Services
from mailkeep.service.accounts import ConnectionCounts
from mailkeep.service.discovery.profile import sign_profile
from mailkeep.service.elsewhere import NOBODY
from mailkeep.service.ledger import Ledger
from mailkeep.service.tally import Tally
from mailkeep.service.throttle import Throttle
from mailkeep.smtp import commands as smtp_commands
from mailkeep.smtp.connection import SmtpConnection
from mailkeep.smtp.doorkeeper import Turned
from mailkeep.smtp.filters.fault import Tally as FilterTally
from mailkeep.smtp.guessing import FREE_GUESSES, Guessing
from mailkeep.smtp.lmtp import Lmtp
from mailkeep.smtp.mx import Mx
from mailkeep.smtp.partly import Partly
from mailkeep.smtp.session import Options as SmtpOptions
from mailkeep.smtp.session import Users
from mailkeep.smtp.submission import Submission
from mailkeep.smtp.wire import auth as smtp_auth

Opening = Callable[[Connection], ConnectionSession]

DRAIN_S: Final = 5.0  # for sessions to finish what they do; then they are cut, so that all is over within 10 s

log = telemetry.logger()


class Reception:
    """The listeners for clients in one process."""

    def __init__(self, config: Config, offices: Offices, tls: TlsContext, ledger: Ledger) -> None:
        self._config = config
        self._offices = offices
        self._tls = tls
        self._version = version("mailkeep")  # reads files: not for every connection
        self._address_limit = AddressLimit(ledger, config.limits.connections_per_address)
        self._connection_counts = ConnectionCounts(ledger, config.limits.connections_per_account)
        self._why_unsigned = ""  # profiles cannot be signed, as has been said
        self._listeners: list[Listener] = []
        self._tallies = {name: Tally() for name in ("imap", "pop3", "lmtp", "smtp", "submission", "http")}
        self._imap_services = self._services_of_imap()  # one for all connections
        self._imap_options = self._options_of_imap()
        self._pop3_services = Pop3Services(
            tally=self._tallies["pop3"],
            authentication=offices.authentication,
            connections=self._connection_counts,
            maildrops=Maildrops(offices.mailboxes, offices.messages),
            ledger=ledger,
        )
        self._pop3_options = self._options_of_pop3()
        self._app: ASGIApp = build_app(self._services_of_http())
        self._http_options = HttpOptions(proxies=config.listen.proxies)
        self._partly = Partly()
        self._ledger = ledger
        self._turned = Turned()
        self._filtered = FilterTally()
        self._found: Counter[tuple[str, str]] = Counter()
        self._lane: Lane
        self._checks: Checks | None = None  # until it accepts
        self._mx: Mx
        self._lmtp: Lmtp
        self._submission = Submission(addresses=offices.addresses, submitter=offices.submission)

    async def start(self, bound: Mapping[str, Iterable[socket.socket]], spawn: Spawn) -> None:
        """Accept on the sockets of each listener, which become its own; `spawn` starts a task of the server."""
        self._lane = Lane(spawn)
        self._take_roles()
        proxies = Proxies(self._config.listen.proxies, spawn) if self._config.listen.proxies else None
        proxied = self._config.listen.proxied

        def new(name: str, open_session: Opening, tls: ssl.SSLContext | None = None) -> Listener:
            behind = proxies if name in proxied else None
            return Listener(name, open_session, limit=self._address_limit, tls=tls, proxies=behind)

        listeners = {
            "imap": new("imap", self._open_imap),
            "imaps": new("imaps", self._open_imap, tls=self._tls.context),
            "pop3": new("pop3", self._open_pop3),
            "pop3s": new("pop3s", self._open_pop3, tls=self._tls.context),
            "lmtp": new("lmtp", self._open_lmtp),
            "lmtp_socket": new("lmtp_socket", self._open_lmtp),
            "smtp": new("smtp", self._open_smtp),
            "submission": new("submission", self._open_submission),
            "submissions": new("submissions", self._open_submission, tls=self._tls.context),
            "http": new("http", self._open_http),
            "https": new("https", self._open_http, tls=self._tls.web),
        }
        for name, sockets in bound.items():
            self._listeners.append(listeners[name])
            await listeners[name].start(sockets)

    def reload(self, config: Config) -> None:
        """Take over limits and options for connections to come."""
        self._config = config
        self._imap_options = self._options_of_imap()
        self._pop3_options = self._options_of_pop3()
        self._take_roles()
        self._offices.resolver.configure(config.dns.servers, float(config.dns.timeout))
        self._offices.greylist.delay_s = config.filter.greylist
        self._address_limit.limit = config.limits.connections_per_address
        self._connection_counts.limit = config.limits.connections_per_account
        self._offices.metadata.server = config.imap.server_entries
        self._offices.quotas.owner_may_raise = config.accounts.owner_may_raise
        self._offices.submission.foreign_authors = config.submission.foreign_authors
        self._offices.submission.allowance.messages = config.submission.messages_per_hour
        self._offices.submission.allowance.recipients = config.submission.recipients_per_hour

    def figures(self) -> Iterator[Figure]:
        """What clients have done so far, and how many there are."""
        for listener in self._listeners:
            name, (clear, secured) = listener.name, listener.count()
            yield "connections", (name, "no"), clear
            yield "connections", (name, "yes"), secured
            yield "connections_accepted", (name,), listener.accepted
            yield "connections_refused", (name,), listener.refused
            yield "network_bytes", (name, "in"), listener.traffic.received
            yield "network_bytes", (name, "out"), listener.traffic.sent
        for reason in ("rate", "listed", "greylisted"):
            yield "recipients_turned_away", (reason,), getattr(self._turned, reason)
        for judged, count in self._filtered.counts.items():
            yield "messages_filtered", judged, count
        for check, count in self._found.items():
            yield "sender_checks", check, count
        for outcome, count in self._offices.resolver.lookups.items():
            yield "dns_lookups", (outcome,), count
        for protocol, tally in self._tallies.items():
            for command, count in tally.commands.items():
                yield "commands", (protocol, command), count
            for refused, count in tally.refused.items():
                yield "commands_refused", (protocol, *refused), count

    async def drain(self) -> None:
        """Accept nothing more, and let every session say goodbye."""
        await drain(self._listeners)
        if self._checks is not None:
            self._checks.close()
        self._offices.authentication.ask_others(NOBODY)

    def _open_imap(self, connection: Connection) -> ImapConnection:
        return ImapConnection(
            connection, self._imap_services, self._imap_options, self._tls_context, self._offices.spool_dir
        )

    def _open_pop3(self, connection: Connection) -> Pop3Connection:
        return Pop3Connection(connection, self._pop3_services, self._pop3_options, self._tls_context)

    def _options_of_pop3(self) -> Pop3Options:
        pop3 = self._config.pop3
        return Pop3Options(login_delay=pop3.login_delay, expire=pop3.expire.upper(), exclusive=pop3.exclusive)

    def _tls_context(self) -> ssl.SSLContext:
        return self._tls.context

    def _services_of_imap(self) -> ImapServices:
        return ImapServices(
            tally=self._tallies["imap"],
            accounts=self._offices.accounts,
            authentication=self._offices.authentication,
            connections=self._connection_counts,
            messages=self._offices.messages,
            metadata=self._offices.metadata,
            places=self._offices.places,
            quotas=self._offices.quotas,
            sent=self._offices.sent,
            sharing=self._offices.sharing,
            transfer=self._offices.transfer,
            search=self._offices.search,
            order=self._offices.order,
            urls=self._offices.urls,
        )

    def _options_of_imap(self) -> ImapOptions:
        limits = self._config.limits
        options = ImapOptions(
            max_message=limits.message_size,
            max_line=limits.line_length,
            literal_plus=self._config.imap.literal == "plus",
            version=self._version,
            scram=self._config.auth.scram,
            channel_binding=self._config.auth.scram and self._config.auth.channel_binding,
            tokens=bool(self._config.oauth.issuer),
            certificates=self._config.tls.client_authorities is not None,
            xlist=self._config.imap.xlist,
            submitters=frozenset(self._config.imap.submitters),
            uidonly=self._config.imap.uidonly,
            message_limit=self._config.imap.message_limit,
            save_limit=self._config.imap.save_limit,
            keep_alive_s=float(self._config.imap.keep_alive),
        )
        return dataclasses.replace(options, off=off_in(options, self._config.imap.disable))

    def _take_roles(self) -> None:
        """For connections to come; what is under way goes on with what it began with."""
        offices = self._offices
        try:
            offices.authentication.ask_others(build_elsewhere(self._config, offices, self._lane))
        except ConfigError as error:  # a file has gone since it was looked at
            log.error("logins.not_changed", reason=str(error))
        if self._checks is not None:
            self._checks.close()
        self._checks = build_checks(self._config, offices, self._lane, self._filtered, self._found)
        self._lmtp = Lmtp(offices.addresses, offices.delivery, self._partly, self._checks.of_lmtp)
        self._mx = Mx(
            addresses=offices.addresses,
            delivery=offices.delivery,
            gate=build_gate(self._config, offices, self._ledger, self._lane, self._turned),
            judges=self._checks.judges,
            guessing=Guessing(
                Throttle(self._ledger, "guess:", time.monotonic, free=FREE_GUESSES), self._config.filter.exempt
            ),
            partly=self._partly,
            resolver=offices.resolver,
            lane=self._lane,
        )

    def _smtp_options(self) -> SmtpOptions:
        limits = self._config.limits
        return SmtpOptions(
            hostname=self._config.hostname, max_message=limits.message_size, max_recipients=limits.recipients
        )

    def _open_lmtp(self, connection: Connection) -> SmtpConnection:
        return SmtpConnection(
            connection,
            self._lmtp,
            smtp_commands.LMTP,
            self._smtp_options(),
            self._offices.spool_dir,
            self._tallies["lmtp"],
        )

    def _open_smtp(self, connection: Connection) -> SmtpConnection:
        return SmtpConnection(
            connection,
            self._mx,
            smtp_commands.RECEPTION,
            self._smtp_options(),
            self._offices.spool_dir,
            self._tallies["smtp"],
            tls_context=self._tls_context,
        )

    def _open_submission(self, connection: Connection) -> SmtpConnection:
        options = dataclasses.replace(
            self._smtp_options(), max_line=smtp_auth.MAX_LINE, max_hold_s=self._config.submission.hold * 86400
        )
        return SmtpConnection(
            connection,
            self._submission,
            smtp_commands.SUBMISSION,
            options,
            self._offices.spool_dir,
            self._tallies["submission"],
            tls_context=self._tls_context,
            users=Users(self._offices.authentication, self._offices.urls),
        )

    def _services_of_http(self) -> HttpServices:
        return HttpServices(
            site=self._offices.site,
            is_local=self._offices.addresses.is_local,
            challenges=Challenges(self._config.data_dir),
            sign_profile=self._sign_profile,
            find_key=self._offices.public_keys.find,
        )

    def _sign_profile(self, profile: bytes) -> bytes:
        """With the certificate in use; a device takes one without signature, too, after a warning."""
        files = self._tls.files
        try:
            return sign_profile(profile, files.certificate.read_bytes(), files.key.read_bytes())
        except (Unsupported, ValueError, OSError) as error:
            if str(error) != self._why_unsigned:  # whoever asks for profiles shall not fill the log
                self._why_unsigned = str(error)
                log.warning("http.profile_unsigned", why=self._why_unsigned)
            return profile

    def _open_http(self, connection: Connection) -> HttpConnection:
        return HttpConnection(connection, self._app, self._lane, self._http_options, self._tallies["http"])


async def drain(listeners: Iterable[Listener | Door]) -> None:
    """Have every session say goodbye; cut those that take too long."""
    every = tuple(listeners)
    for listener in every:
        listener.drain()
    try:
        async with asyncio.timeout(DRAIN_S):
            for listener in every:
                await listener.closed()
    except TimeoutError:
        log.warning("server.cut_connections")
        for listener in every:
            listener.abort()
