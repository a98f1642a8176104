"""One session: its state, and what it has open (RFC 1939 §3).

A state is a type: a handler of the TRANSACTION state is given a `Transaction`, in which a maildrop always exists.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailkeep.model.errors import LimitReached
from mailkeep.net.limits import is_loopback
from mailkeep.pop3.errors import Refused
from mailkeep.pop3.wire import auth
from mailkeep.pop3.wire.command import WireError
from mailkeep.pop3.wire.reader import Mark, Reader
from mailkeep.pop3.wire.reply import Code, Reply

if TYPE_CHECKING:
    from mailkeep.net.connection import Connection
    from mailkeep.pop3.maildrop import Maildrop, Maildrops
    from mailkeep.service.accounts import ConnectionCounts
    from mailkeep.service.authentication import Authentication, Login
    from mailkeep.service.ledger import Ledger
    from mailkeep.service.tally import Tally

IDLE_S: Final = 10 * 60.0  # RFC 1939 §3: at least 10 minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the configuration says of POP3.  Times in seconds.

    `login_delay`: between two logins to one account; 0: any.  `expire`: what EXPIRE tells (RFC 2449 §6.7), "" nothing.
    `exclusive`: whether an account may have one session at a time.
    """

    login_delay: int = 0
    expire: str = "NEVER"
    exclusive: bool = False
    idle_s: float = IDLE_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The verbs that POP3 uses.  `ledger` is what all processes know of who is logged in."""

    tally: Tally
    authentication: Authentication
    connections: ConnectionCounts
    maildrops: Maildrops
    ledger: Ledger
    clock: Callable[[], float] = time.monotonic


class Session(ABC):
    """What the commands see and change, in whichever state."""

    def __init__(
        self,
        connection: Connection,
        services: Services,
        options: Options,
        tls_context: Callable[[], ssl.SSLContext] | None,
    ) -> None:
        self.connection = connection
        self.services = services
        self.options = options
        self.tls_context = tls_context
        self.reader = Reader()
        self.user = ""  # whom USER has named, until the next command but PASS
        self.utf8 = False
        self.failed_logins = 0
        self.starting_tls = False
        self.closing = False
        self.transaction: Transaction | None = None
        self._wanted: asyncio.Future[None] | None = None

    @property
    def plaintext_allowed(self) -> bool:
        """Whether a password may be sent now: under TLS, or from this very machine."""
        return self.connection.tls or is_loopback(self.connection.peer)

    def require_privacy(self) -> None:
        """Raises: Refused (passwords are not taken in the clear)."""
        if not self.plaintext_allowed:
            raise Refused("A password is taken under TLS only: begin with STLS")

    # --- octets

    def write(self, data: bytes) -> None:
        """Queue octets for the client."""
        self.connection.write(data)

    def reply(self, reply: Reply) -> None:
        """Queue a reply."""
        self.write(reply.encode())

    async def flush(self) -> None:
        """Send what is queued, and wait while the client does not read, which it has to do sometime.

        Raises: ConnectionError.
        """
        await self.connection.drain()
        self.connection.set_deadline(self.options.idle_s)

    async def ask(self, challenge: bytes) -> bytes:
        """Send a challenge of AUTH; gives the client's response.

        RFC 5034 §4.  Raises: Refused (it gives up, or what it says is no response).
        """
        self.write(b"+ %b\r\n" % b64encode(challenge))
        self.reader.answering = True
        try:
            line = await self._line()
        finally:
            self.reader.answering = False
        if isinstance(line, Mark):
            raise Refused("Line is too long")
        try:
            answer = auth.response(line)
        except WireError as error:
            raise Refused(str(error)) from error
        if answer is None:
            raise Refused("Authentication cancelled")
        return answer

    async def _line(self) -> bytes | Mark:
        await self.flush()
        while (line := self.reader.next()) is None:
            self._wanted = self.connection.loop.create_future()
            await self._wanted
        return line

    @property
    def asking(self) -> bool:
        """Whether a handler waits for the client to say something."""
        return self._wanted is not None and not self._wanted.done()

    def wake(self) -> None:
        """Octets have come."""
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_result(None)

    # --- states

    @abstractmethod
    def dismiss(self, text: str) -> None:
        """Say goodbye as soon as the running command is done."""

    async def enter(self, login: Login) -> Transaction:
        """From the AUTHORIZATION into the TRANSACTION state.

        Raises: Refused (too soon after the last login, or another session is open, or the login has come to its end),
        LimitReached, Unavailable.
        """
        account = login.account
        recent = _Recent(self.services.ledger, self.options.login_delay, self.services.clock)
        recent.require_delay(account)
        lock = _Lock(self.services.ledger, account, exclusive=self.options.exclusive)
        try:
            self.services.connections.acquire(account)
        except LimitReached:
            lock.release()
            raise
        try:
            maildrop = await self.services.maildrops.open(account)
        except BaseException:
            self.services.connections.release(account)
            lock.release()
            raise
        maildrop.utf8 = self.utf8
        self.transaction = Transaction(self, login, maildrop, lock)
        if not self.services.authentication.stands(login):  # its end came before somebody watched
            self.leave()
            raise Refused("This login is no longer valid", Code.AUTH)
        recent.note(account)
        return self.transaction

    def release(self) -> None:
        """The connection is gone, or about to go: give back what was held.  Nothing is removed."""
        self.closing = True
        self.leave()

    def leave(self) -> None:
        """Out of the TRANSACTION state, if it is in it; nothing is removed."""
        if self.transaction is not None:
            self.transaction.release()
            self.transaction = None


class Transaction:
    """A session that has logged in."""

    def __init__(self, session: Session, login: Login, maildrop: Maildrop, lock: _Lock) -> None:
        self.session = session
        self.login = login
        self.maildrop = maildrop
        self.maildrops = session.services.maildrops
        self._lock = lock
        self._unwatch = session.services.authentication.watch(login, session.dismiss)

    def release(self) -> None:
        """Stop listening, and let others in."""
        self._unwatch()
        self.session.services.connections.release(self.login.account)
        self._lock.release()


class _Lock:
    """The exclusive lock of RFC 1939 §4, seen by all processes; nothing where it is not wanted.  Raises: Refused."""

    def __init__(self, ledger: Ledger, account: int, *, exclusive: bool) -> None:
        self._ledger = ledger
        self._key = f"pop3:{account}" if exclusive else ""
        if self._key and not ledger.enter(self._key, 1):
            raise Refused("Another session of this account is open", Code.IN_USE)

    def release(self) -> None:
        """Let others in; a second call does nothing."""
        key, self._key = self._key, ""
        if key:
            self._ledger.leave(key)


class _Recent:
    """When each account was last logged in to, in whichever process (RFC 2449 §6.5)."""

    def __init__(self, ledger: Ledger, delay: int, clock: Callable[[], float]) -> None:
        self._ledger = ledger
        self._delay = delay
        self._clock = clock

    def require_delay(self, account: int) -> None:
        """Raises: Refused (the last login was too short a time ago)."""
        if not self._delay:
            return
        last = max((record.failed_at for record in self._ledger.find(f"pop3-login:{account}")), default=None)
        if last is not None and self._clock() - last < self._delay:
            raise Refused(f"Log in no more often than every {self._delay} s", Code.LOGIN_DELAY)

    def note(self, account: int) -> None:
        """It has been logged in to now."""
        if self._delay:
            self._ledger.add(f"pop3-login:{account}", 1, self._clock())
