"""Logging in: one place for all protocols, whatever carries a name and its proof.

- A protocol asks `Authentication` and nothing else, and says which `Service` it is and where the client is.
- What comes of it is a `Login`.  It may be for reading only, and it may come to its end while the session lasts:
  sessions ask to be told (`watch`), or ask themselves (`stands`) when a hint says that something has happened.
- A wrong password, an unknown user and one who may not use this service look alike and take equally long; a fault of
  ours is Unavailable.
- Attempts with the same password at the same time cost one check.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from mailkeep import telemetry
from mailkeep.formats import bearer
from mailkeep.formats.sasl import MECHANISMS, Challenge, Credentials, Exchange
from mailkeep.formats.scram import NAME as SCRAM
from mailkeep.formats.scram import PLUS, ROUNDS, Proof, Scram, Verifier, pretend_verifier
from mailkeep.model.address import parse_address
from mailkeep.model.change import Hint
from mailkeep.model.errors import AuthenticationFailed, Invalid, MailError, NotFound, Unavailable, Unsupported
from mailkeep.model.ids import AccountId, ModSeq
from mailkeep.service.app_passwords import NOTE_USE_S, AppPasswords
from mailkeep.service.bus import Bus
from mailkeep.service.elsewhere import EXTERNAL, NOBODY, Elsewhere, read_identity
from mailkeep.service.guard import Guard, Untold
from mailkeep.service.lessons import Learn
from mailkeep.service.own_passwords import OwnPasswords
from mailkeep.service.passwords import Passwords, prepare_password
from mailkeep.service.salt import salt_of
from mailkeep.service.ways import Attempt, Login, Service, Way
from mailkeep.store.contract import IN_USE, Directory

__all__ = ["CLEAR", "Ask", "Authentication", "Login", "Secured", "Service"]

Ask = Callable[[bytes], Awaitable[bytes]]
"""Sends a challenge, and gives the client's response; raises what the protocol wants when the client gives up."""

PASSWORD: Final = tuple(MECHANISMS)

ENDED: Final = "This login is no longer valid"

log = telemetry.logger()


@dataclass(frozen=True, slots=True)
class Secured:
    """What the TLS connection proves: channel bindings by name (RFC 5056 §7), the client's certificate (DER)."""

    bindings: Mapping[str, bytes] = field(default_factory=dict)
    certificate: bytes | None = None


CLEAR: Final = Secured()


class Authentication:
    """Who may log in, to what, and how long that holds.

    `ways` are asked in turn after app passwords and the account's own.  `app_passwords` makes, lists and revokes those.
    """

    def __init__(
        self,
        directory: Directory,
        bus: Bus,
        guard: Guard,
        passwords: Passwords,
        learn: Learn,
        *,
        ways: Sequence[Way] = (),
        app_passwords: AppPasswords | None = None,
        own: OwnPasswords | None = None,
        channel_binding: bool = False,
    ) -> None:
        """`channel_binding`: SCRAM-SHA-256-PLUS is offered too, where it is possible."""
        self._binds = channel_binding
        self.guard = guard
        self.app_passwords = app_passwords or AppPasswords(directory, learn)
        self._directory = directory
        self._bus = bus
        self._passwords = passwords
        self._own = own or OwnPasswords(directory, passwords, learn)
        self._ways: tuple[Way, ...] = (self.app_passwords, self._own, *ways)
        self._elsewhere = NOBODY
        self._key = secrets.token_bytes(32)
        self._running: dict[bytes, asyncio.Future[Login]] = {}

    def ask_others(self, elsewhere: Elsewhere) -> None:
        """From now on let others say who may log in, too: where passwords are checked, they come last."""
        self._elsewhere.close()
        self._elsewhere = elsewhere

    def mechanisms(self, service: Service, tls: Secured = CLEAR) -> tuple[str, ...]:  # noqa: ARG002  the same for all
        """What can be offered, the better first."""
        external = (EXTERNAL,) if self._elsewhere.certificates is not None and tls.certificate is not None else ()
        scram: tuple[str, ...] = ()
        if self._passwords.scram:
            scram = (PLUS, SCRAM) if self._binds and tls.bindings else (SCRAM,)
        tokens = bearer.MECHANISMS if self._elsewhere.tokens is not None else ()
        return (*external, *scram, *tokens, *PASSWORD)

    def _all_ways(self) -> tuple[Way, ...]:
        return (*self._ways, *self._elsewhere.ways)

    # --- by password

    async def password(self, user: str, password: str, *, service: Service, peer: str) -> Login:
        """Log in by name and password.  `peer` is the client's IP address, "" for this machine.

        Raises: AuthenticationFailed (after a delay that grows with failures), Unavailable (try later).
        """
        attempt = self._attempt(user, password, service, peer)
        digest = self._digest(attempt)
        while True:
            # Nobody guesses one of these.  What others recall is a guess like any other, and waits for its turn.
            if (login := self.app_passwords.recall(attempt)) is not None:
                return self._succeeded(attempt.key, peer, login)
            running = self._running.get(digest)
            if running is None:
                return await self._lead(digest, attempt)
            await asyncio.wait((running,))
            if not running.cancelled():
                return self._succeeded(attempt.key, peer, running.result())

    def _attempt(self, user: str, password: str, service: Service, peer: str) -> Attempt:
        key = _key(user)
        try:
            prepared, typed = prepare_password(password), password
        except Invalid:  # nobody can have it; it takes the same way, so that it takes the same time
            prepared = typed = ""
        return Attempt(key, prepared, typed, service, peer, self.guard.knows(key, peer))

    async def _lead(self, digest: bytes, attempt: Attempt) -> Login:
        """Do the work for all who try the same at the same time."""
        result: asyncio.Future[Login] = asyncio.get_running_loop().create_future()
        self._running[digest] = result
        try:
            login = await self._guarded(attempt.key, attempt.service, attempt.peer, partial(self._check, attempt))
        except MailError as error:
            result.set_exception(error)
            result.exception()  # retrieved: usually nobody else waits for it
            raise
        except BaseException:
            result.cancel()  # whoever waits tries for himself
            raise
        else:
            result.set_result(login)
            return self._succeeded(attempt.key, attempt.peer, login)
        finally:
            del self._running[digest]

    async def _check(self, attempt: Attempt) -> Login | None:
        """Ask each way.  One that cannot tell does not hide the yes of another, but it does hide a no.

        Raises: Untold (it is none of ours, and another way cannot tell), Unavailable.
        """
        for way in self._all_ways():
            if (login := way.recall(attempt)) is not None:
                return login
        trouble: Unavailable | None = None
        ours = True  # what is kept here could be looked at
        for way in self._all_ways():
            try:
                login = await way.check(attempt)
            except Unavailable as error:
                trouble, ours = error, ours and way is not self._own
                continue
            if login is not None:
                return login
        if trouble is not None:
            raise Untold(trouble.text) if ours else trouble
        return None

    def _digest(self, attempt: Attempt) -> bytes:
        text = "\0".join(
            (attempt.key, attempt.service, attempt.password, attempt.typed, attempt.peer, str(attempt.urgent))
        )
        return hashlib.blake2b(text.encode(errors="surrogatepass"), key=self._key, digest_size=32).digest()

    async def _guarded(
        self, key: str, service: Service, peer: str, check: Callable[[], Awaitable[Login | None]]
    ) -> Login:
        entry = self._directory.find(key)
        account = None if entry is None else entry.address
        return await self.guard.attempt(key, peer, service, check, account=account)

    def _succeeded(self, key: str, peer: str, login: Login) -> Login:
        """Raises: AuthenticationFailed (it has come to its end while the client was asked for more)."""
        if not self.stands(login):
            raise AuthenticationFailed(ENDED)
        self.guard.succeeded(key, peer)
        if login.app_password is not None:
            self.app_passwords.note_use(login.app_password)
        return login

    # --- by a mechanism

    async def log_in(
        self, mechanism: str, initial: bytes | None, *, service: Service, peer: str, ask: Ask, tls: Secured = CLEAR
    ) -> Login:
        """Carry out an exchange (RFC 4422); `initial` is the client's first response, None where it sent none.

        Raises: Unsupported (no such mechanism), SaslError (it is not followed), AuthenticationFailed, Unavailable, and
        what `ask` raises.
        """
        if mechanism not in self.mechanisms(service, tls):
            raise Unsupported("Unsupported authentication mechanism")
        if mechanism in (SCRAM, PLUS):
            exchange = Scram(bindings=tls.bindings if self._binds else {}, plus=mechanism == PLUS)
            return await self._scram(exchange, initial, service, peer, ask)
        if mechanism == EXTERNAL:
            return await self._external(initial, service, peer, ask, tls)
        if mechanism in bearer.MECHANISMS:
            return await self._token(mechanism, initial, service, peer, ask)
        said = await _credentials(MECHANISMS[mechanism](), initial, ask)
        return await self.password(said.user, said.password, service=service, peer=peer)

    async def _scram(self, exchange: Scram, first: bytes | None, service: Service, peer: str, ask: Ask) -> Login:
        """RFC 5802.  A user has several passwords: it is proved which, and so what it opens, at the end."""
        named = exchange.begin(await ask(b"") if first is None else first)
        key = _key(named.user)
        offered = self._verifiers(key, service)
        proof = exchange.prove(await ask(exchange.challenge(*offered).octets))
        login = await self._guarded(key, service, peer, partial(self._proved, key, service, proof))
        if await ask(proof.signature.octets):
            raise AuthenticationFailed("The last response of SCRAM is empty")
        return self._succeeded(key, peer, login)

    def _verifiers(self, key: str, service: Service) -> dict[Verifier, Login | None]:
        """Those by which the user can prove himself, all of one salt; where there are none it looks the same."""
        salt = salt_of(key, self._directory.secret)
        found = [pair for way in self._all_ways() for pair in way.verifiers(key, service)]
        same = {verifier: login for verifier, login in found if verifier.salt == salt and verifier.rounds == ROUNDS}
        if same:
            return dict(same)
        # One that comes from elsewhere has a salt of its own.
        return dict(found[:1]) or {pretend_verifier(salt): None}

    async def _proved(self, key: str, service: Service, proof: Proof) -> Login | None:
        """What a proof opens, if its verifier is still kept."""
        return None if proof.verifier is None else self._verifiers(key, service).get(proof.verifier)

    async def _token(self, mechanism: str, first: bytes | None, service: Service, peer: str, ask: Ask) -> Login:
        """RFC 7628 §3.2.3: a client whose token opens nothing is told what would, and answers, before it is refused."""
        tokens = self._elsewhere.tokens
        assert tokens is not None  # it is offered
        said = bearer.parse(mechanism, await ask(b"") if first is None else first)
        login = await self._tried(said.user, service, peer, partial(tokens.check, said))
        if login is None:
            await ask(tokens.refusal(mechanism))
            raise AuthenticationFailed("Wrong user name or token")
        return self._succeeded(_key(login.user), peer, login)

    async def _external(self, first: bytes | None, service: Service, peer: str, ask: Ask, tls: Secured) -> Login:
        """RFC 4422 appendix A: the client has shown a certificate, and says whose account it wants."""
        certificates = self._elsewhere.certificates
        assert certificates is not None  # it is offered
        assert tls.certificate is not None
        wanted = read_identity(await ask(b"") if first is None else first)
        login = await self._tried(wanted, service, peer, partial(certificates.check, tls.certificate, wanted))
        if login is None:
            raise AuthenticationFailed("The certificate opens no such account")
        return self._succeeded(_key(login.user), peer, login)

    async def _tried(
        self, user: str, service: Service, peer: str, check: Callable[[], Awaitable[Login | None]]
    ) -> Login | None:
        entry = self._directory.find(_key(user))
        account = None if entry is None else entry.address
        return await self.guard.attempt_by_token(peer, service, check, account=account)

    # --- how long it holds

    def stands(self, login: Login) -> bool:
        """Whether it still holds, as far as can be told now."""
        try:
            entry = self._directory.get(login.account)
            return (
                entry.state in IN_USE
                and login.epoch in (None, entry.epoch)
                and (login.app_password is None or self.app_passwords.stands(login.app_password))
            )
        except NotFound:
            return False
        except Unavailable:
            return True

    def watch(self, login: Login, end: Callable[[str], None]) -> Callable[[], None]:
        """Call `end` with words for the client as soon as `login` holds no more, whichever process made that so.

        `end` must not wait and must not raise.  Returns: what stops watching.
        """

        def on_hint(hint: Hint) -> None:
            if hint.tree and not self.stands(login):
                end(ENDED)

        return self._bus.subscribe(login.account, on_hint)

    def tell_sessions(self, account: AccountId) -> None:
        """Something has changed that may end logins of `account`, in whichever process they are."""
        self._bus.publish(_look(account))

    async def run(self) -> None:
        """Keep what is written lazily written, and end what has expired; until cancelled."""
        try:
            while True:
                await asyncio.sleep(NOTE_USE_S)
                self._tend()
        finally:
            self.app_passwords.tell_use()

    def _tend(self) -> None:
        try:
            self.app_passwords.tell_use()
            for expired in self.app_passwords.list_newly_expired():
                self._bus.deliver(_look(expired.account))
        except Unavailable as error:
            log.error("auth.not_tended", reason=error.text)


def _look(account: AccountId) -> Hint:
    return Hint(account, frozenset(), ModSeq(0), tree=True)


def _key(user: str) -> str:
    """What a name is looked up as.  Of what is no address, nobody can have it: it takes the same way as others."""
    try:
        return str(parse_address(user))
    except Invalid:
        return user[:255]


async def _credentials(exchange: Exchange, answer: bytes | None, ask: Ask) -> Credentials:
    while True:
        match exchange.step(answer):
            case Credentials() as said:
                return said
            case Challenge(octets):
                answer = await ask(octets)
