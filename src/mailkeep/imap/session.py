"""One IMAP session: its state, what it has enabled, and how a command is run and completed.

A state is a type: a handler for the selected state is given a `Selected`, in which a mailbox always exists.
"""

from __future__ import annotations

import asyncio
import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from mailkeep.imap.done import Bad
from mailkeep.imap.flag_text import ALL_SYSTEM, FlagText, MaskText
from mailkeep.imap.metadata_watch import MetadataWatch
from mailkeep.imap.selected import Exists, Expunge, FlagUpdate, SelectedView
from mailkeep.imap.wire import response
from mailkeep.imap.wire.framing import Framer, Limits, TooLong
from mailkeep.imap.wire.notify import Event
from mailkeep.imap.wire.sequence_set import STAR, SequenceSet
from mailkeep.model.change import Hint
from mailkeep.model.errors import Forbidden
from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.model.message import NO_MORE, FlagState
from mailkeep.model.rights import NONE, Rights, changeable
from mailkeep.model.uidset import EMPTY, UidSet
from mailkeep.net.limits import is_loopback
from mailkeep.service.authentication import ENDED
from mailkeep.service.order import Collation

if TYPE_CHECKING:
    from mailkeep.imap.contexts import Contexts
    from mailkeep.imap.fetch_columns import ColumnPlan
    from mailkeep.imap.watch import Watch
    from mailkeep.imap.wire.fetch import FetchItem
    from mailkeep.net.connection import Connection
    from mailkeep.service.accounts import Accounts, ConnectionCounts
    from mailkeep.service.authentication import Authentication, Login
    from mailkeep.service.messages import Messages
    from mailkeep.service.metadata import Metadata
    from mailkeep.service.order import Order
    from mailkeep.service.places import Place, Places
    from mailkeep.service.quotas import Quotas
    from mailkeep.service.search import Search
    from mailkeep.service.sent import SentCopies
    from mailkeep.service.sharing import Sharing
    from mailkeep.service.spool import Spool
    from mailkeep.service.tally import Tally
    from mailkeep.service.transfer import Transfer
    from mailkeep.service.urls import Urls
    from mailkeep.service.view import View

# RFC 9051 §5.4: at least 30 minutes once logged in.  Before, a peer has nothing to think about.
LOGGED_IN_IDLE_S: Final = 31 * 60.0
LOGGED_OUT_IDLE_S: Final = 3 * 60.0
WRITING: Final[Rights] = "swite"  # one of these, and a mailbox is not READ-ONLY (RFC 4314 §5.2)
MESSAGES_OF_APPEND: Final = 4  # of the largest size: so much of the disk one command may take before the quota is asked
LOGGED_OUT_LINE: Final = 64 * 1024  # OAuth tokens are long, nothing else is


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the configuration says of IMAP.  Sizes in octets."""

    max_message: int
    max_line: int
    literal_plus: bool = True  # offer LITERAL+, else LITERAL-
    version: str = ""
    scram: bool = False  # offer SCRAM-SHA-256
    channel_binding: bool = False  # offer SCRAM-SHA-256-PLUS where TLS allows it
    tokens: bool = False  # offer OAUTHBEARER and XOAUTH2
    certificates: bool = False  # offer EXTERNAL to clients that have shown a certificate
    xlist: bool = False  # tell that there is XLIST
    uidonly: bool = False  # offer UIDONLY
    message_limit: int = 0  # messages that one command deals with (RFC 9738); 0: any number
    save_limit: int = 0  # the same, of COPY and APPEND alone
    keep_alive_s: float = 280.0  # between signs of life in IDLE
    off: frozenset[str] = frozenset()  # capabilities that are switched off
    submitters: frozenset[str] = frozenset()  # addresses of submission servers (RFC 4467 §3, "submit+")

    @property
    def max_nonsynchronizing(self) -> int:
        """The largest literal that need not wait: with LITERAL-, 4096 octets (RFC 7888 §5); -1: none at all."""
        if "LITERAL+" in self.off:
            return -1
        return self.max_message if self.literal_plus else 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The verbs that IMAP uses."""

    tally: Tally
    accounts: Accounts
    authentication: Authentication
    connections: ConnectionCounts
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


@dataclass(slots=True)
class Enabled:
    """Extensions that change what the server sends (RFC 5161)."""

    condstore: bool = False
    qresync: bool = False
    rev2: bool = False
    uidonly: bool = False  # no message numbers (RFC 9586)
    utf8: bool = False  # UTF8=ACCEPT (RFC 9755): headers and names are UTF-8, also in quoted strings

    @property
    def utf8_names(self) -> bool:
        """Whether mailbox names are UTF-8 on the wire (RFC 9051 §5.1, RFC 9755); else modified UTF-7."""
        return self.rev2 or self.utf8


@lru_cache(4)
def _limits_before_login(options: Options) -> Limits:
    return Limits(
        max_line=LOGGED_OUT_LINE,
        max_memory=LOGGED_OUT_LINE,
        max_nonsynchronizing=options.max_nonsynchronizing,
    )


@lru_cache(4)  # connections are many, options few
def _limits_after_login(options: Options) -> Limits:
    return Limits(
        max_line=options.max_line,
        max_append=options.max_message,
        max_appended=MESSAGES_OF_APPEND * options.max_message,
        max_nonsynchronizing=options.max_nonsynchronizing,
    )


class Session(ABC):
    """The connection's part of the state; everything that exists before login too."""

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
        self.framer = Framer(_limits_before_login(self.options))
        self.enabled = Enabled()
        self.collation = Collation()  # how texts are compared (RFC 5255 §4)
        self.authenticated: Authenticated | None = None
        self.selected: Selected | None = None
        self.closing = False
        self.idling = False
        self.tag = b""  # of the command that runs
        self._wake: asyncio.Future[None] | None = None

    @property
    def plaintext_allowed(self) -> bool:
        """Whether a password may be sent now: under TLS, or from this very machine."""
        return self.connection.tls or is_loopback(self.connection.peer)

    def enable_condstore(self) -> None:
        """The client has shown that it knows mod-sequences: it is told them from now on (RFC 7162 §3.1)."""
        if not self.enabled.condstore:
            self.enabled.condstore = True
            if self.selected is not None:
                self.selected.tell_highest()

    # --- octets

    def write(self, data: bytes) -> None:
        """Queue octets for the client."""
        self.connection.write(data)

    def untagged(self, line: bytes) -> None:
        """Queue ``* line``."""
        self.connection.write(b"* %b\r\n" % line)

    async def read_line(self) -> bytes:
        """The next raw line: a SASL answer, or what ends IDLE."""
        await self.connection.drain()
        while (line := self.next_line()) is None:
            await self.wait()
        return line

    def next_line(self) -> bytes | None:
        """The next raw line if it is there.  Raises: Bad, when it is too long."""
        line = self.framer.next_line()
        if isinstance(line, TooLong):
            raise Bad("Line is longer than allowed")
        return line

    def listen(self) -> asyncio.Future[None]:
        """What `wake` ends from now on, for `wait`: so that nothing is missed that happens before that waits."""
        if self._wake is None:
            self._wake = self.connection.loop.create_future()
        return self._wake

    async def wait(self, news: asyncio.Future[None] | None = None) -> None:
        """Until octets come or something happens in the selected mailbox, since `news` was begun to listen for."""
        if self.connection.pull():
            await asyncio.sleep(0)  # what is compressed may be long
            return
        await (self.listen() if news is None else news)

    def wake(self) -> None:
        """End `wait`."""
        if self._wake is not None:
            wake, self._wake = self._wake, None
            if not wake.done():
                wake.set_result(None)

    @abstractmethod
    def open_spool(self) -> Spool:
        """For octets that this command puts together; forgotten at its end unless the store has taken them."""

    @abstractmethod
    def alert(self) -> None:
        """There is something to tell that need not wait for a command (NOTIFY)."""

    @abstractmethod
    def dismiss(self, text: str) -> None:
        """Say goodbye as soon as the running command is done."""

    # --- changes of state

    def log_in(self, login: Login) -> None:
        """Enter the authenticated state.  Raises: LimitReached."""
        self.services.connections.acquire(login.account)
        self.framer.limits = _limits_after_login(self.options)
        self.authenticated = Authenticated(self, login)

    def log_out(self) -> None:
        """Go back to before `log_in`: of what the client has said since the greeting, TLS alone is left."""
        self._leave()
        self.enabled = Enabled()
        self.collation = Collation()
        self.framer.limits = _limits_before_login(self.options)
        self.connection.set_deadline(LOGGED_OUT_IDLE_S)

    def _leave(self) -> None:
        self.close_mailbox()
        if self.authenticated is not None:
            self.authenticated.release()
            self.authenticated = None

    def close_mailbox(self) -> None:
        """Leave the selected state, if it is in it."""
        if self.selected is not None:
            self.selected.release()
            self.selected = None

    def release(self) -> None:
        """The connection is gone: give back what was held."""
        self.closing = True
        self._leave()


class Authenticated:
    """A session that has logged in."""

    def __init__(self, session: Session, login: Login) -> None:
        self.session = session
        self.login = login
        self.account: AccountId = login.account
        self.messages = session.services.messages
        self.places = session.services.places
        self.watch: Watch | None = None  # once the client has used NOTIFY
        self.metadata: MetadataWatch | None = None  # while the client wants to be told of changes
        self._unsubscribe = self.messages.bus.subscribe(self.account, self._on_hint)

    def heed(self, hint: Hint) -> None:
        """Something has happened that NOTIFY may have asked for."""
        if self.watch is not None and self.watch.notice(hint):
            self.session.alert()

    def _on_hint(self, hint: Hint) -> None:
        selected = self.session.selected
        if self.watch is not None:
            self.heed(hint)
        elif selected is not None and (selected.mailbox in hint.mailboxes or not hint.modseq):
            self.session.wake()  # a hint without modseq may mean anything
        if self.metadata is not None and self.metadata.notice(hint):
            self.session.wake()
        if hint.tree and not self.session.services.authentication.stands(self.login):
            self.session.dismiss(ENDED)

    async def watch_metadata(self, *, mailboxes: bool) -> None:
        """From now on the client is told of changes to metadata: of mailboxes too, or of the server alone."""
        if self.metadata is None:
            since = await self.session.services.metadata.now(self.account)
            self.metadata = MetadataWatch(self, since, mailboxes=mailboxes)
        self.metadata.mailboxes |= mailboxes
        if self.session.selected is not None:
            await self.follow_metadata(self.session.selected.account)

    async def follow_metadata(self, account: AccountId) -> None:
        """A mailbox of `account` has been selected: its metadata is watched too, if the client wants to know."""
        if self.metadata is not None:
            self.metadata.follow(account, await self.session.services.metadata.now(account))

    async def tell_news(self) -> None:
        """What NOTIFY has asked for, between commands."""
        if self.watch is not None:
            if self.session.selected is not None:
                await self.session.selected.sync(may_expunge=not self.watch.delayed)
            await self.watch.tell()

    async def tell_metadata(self) -> None:
        """Tell the client which entries others have changed, if it wants to know."""
        if self.metadata is not None and self.metadata.pending:
            await self.metadata.tell()

    def release(self) -> None:
        """Stop listening."""
        self._unsubscribe()
        if self.watch is not None:
            self.watch.release()
        self.session.services.connections.release(self.account)


class Selected:
    """A session that has a mailbox open."""

    def __init__(self, owner: Authenticated, place: Place, shared: View, *, read_only: bool) -> None:
        self.owner = owner
        self.session = owner.session
        self.place = place
        self.account = place.account  # which holds the mailbox; `owner.account` is who looks at it
        self.mailbox: MailboxId = shared.mailbox
        self.messages = owner.messages
        self.places = owner.places
        self.shared: View = shared
        self.view = SelectedView(shared)
        self.guest = place.guest  # whose rights are to be asked; None: it is the user's own
        self._examined = read_only
        self._take_rights(place.rights)
        self._unsubscribe = self.messages.bus.subscribe(self.account, self._on_hint) if self.guest else None
        self.flag_text = FlagText(owner.messages.views.keywords(place.account))
        self.plans: dict[tuple[FetchItem, ...], ColumnPlan | None] = {}  # how the items asked for so far are rendered
        self._mask_text: MaskText | None = None
        self._known_flags = (0, 0)  # what FLAGS has told: the mask in use, the number of further keywords
        self.contexts: Contexts | None = None  # searches whose results the client is kept told of
        self.saved: UidSet = EMPTY  # the result variable $ (RFC 9051 §6.4.4.1)

    @property
    def mask_text(self) -> MaskText:
        """`flag_text` for entries without further keywords; a session that only idles has none."""
        if self._mask_text is None:
            self._mask_text = MaskText(self.flag_text)
        return self._mask_text

    def release(self) -> None:
        """Give back the shared view."""
        self.messages.views.close(self.shared)
        if self._unsubscribe is not None:
            self._unsubscribe()

    # --- rights

    def _take_rights(self, rights: Rights) -> None:
        self._rights = rights
        self.read_only = self._examined or not any(right in rights for right in WRITING)

    def _on_hint(self, hint: Hint) -> None:
        if self.owner.watch is None or hint.tree:
            if self.mailbox in hint.mailboxes or hint.tree:
                self.session.wake()
        else:
            self.owner.heed(hint)
        if self.owner.metadata is not None and self.owner.metadata.notice(hint):
            self.session.wake()

    async def heed_rights(self) -> bool:
        """Look what a guest may do now; False when he may no longer read: then he is to go (RFC 4314 §5.1.1)."""
        rights = await self.places.rights(self.place)
        if rights is None or rights == self._rights:  # None: deleted, which the view tells
            return True
        if "r" not in rights:
            self.session.close_mailbox()
            self.session.dismiss("The mailbox is no longer accessible")
            return False
        self._take_rights(rights)
        self.announce_flags()
        return True

    def may(self, rights: Rights) -> bool:
        """Whether the mailbox is open for writing, and the user has all of these rights on it."""
        return not self.read_only and (self.guest is None or all(right in self._rights for right in rights))

    def require_writable(self, rights: Rights = NONE) -> None:
        """Raises: Forbidden, when the mailbox was opened by EXAMINE, or one of these rights is missing."""
        if not self.may(rights):
            raise Forbidden(
                "The mailbox is open for reading only" if self.read_only else "You have no right to do that"
            )

    def resolve(self, numbers: SequenceSet, *, uid: bool) -> Sequence[int]:
        """The UIDs that a set means, ascending; UIDs that the client does not know are left out.

        Raises: NoSuchMessage, for a message number that is none (RFC 9051 §9).
        """
        if uid:
            found = self.view.uids_in(numbers.resolve(self.view.last_uid))
        else:
            found = self.view.uids_of_numbers(self._number_ranges(numbers))
        if numbers.saved:
            found = self.view.uids_in((self.saved | UidSet(found)).ranges)
        return found

    def _number_ranges(self, numbers: SequenceSet) -> list[tuple[int, int]]:
        # "*" in an empty mailbox means nothing, and n:* holds at least the last message
        count = self.view.count
        return [
            (min(low or count, count), count) if high == STAR else (low, high)
            for low, high in numbers.ranges
            if high != STAR or count
        ]

    # --- telling the client

    async def refresh(self) -> None:
        """Make sure that the shared view is as new as the store."""
        if self.shared.stale:
            await self.messages.views.refresh(self.shared)

    @property
    def is_told(self) -> bool:
        """Whether nothing has happened that `sync` would have to look at."""
        return (
            not self.shared.stale
            and self.view.is_level
            and self.contexts is None
            and self.guest is None
            and self.owner.watch is None
        )

    async def sync(self, *, may_expunge: bool, with_uid: bool = False, removes: bool = False) -> None:
        """Tell the client all that has happened (RFC 9051 §5.2), in the order EXPUNGE, EXISTS, FETCH.

        After NOTIFY, only what it has asked for; but what a command `removes` belongs to its answer.
        """
        if self.guest is not None and not await self.heed_rights():
            return
        watch = self.owner.watch
        if watch is not None:
            if not watch.selected and not removes:
                return
            with_uid = True  # RFC 5465 §5.1
        known = self.view.last_uid
        held = self.view.held
        await self.refresh()
        if self.contexts is not None:
            await self.contexts.follow()
            for line in self.contexts.removals():
                self.session.write(line)
        self.announce_keywords()
        for update in self.view.apply(may_expunge=may_expunge):
            match update:
                case Expunge(numbers, uids):
                    self._tell_expunge(numbers, uids)
                case Exists(count):
                    self._claim_recent()
                    self.session.untagged(b"%d EXISTS" % count)
                    if not self.session.enabled.rev2:
                        self.session.untagged(b"%d RECENT" % self.view.recent)
                case FlagUpdate(seq, state):
                    if watch is None or Event.FLAG_CHANGE in watch.selected:
                        self.tell_flags(seq, state, with_uid=with_uid)
        if self.contexts is not None:
            await self.contexts.tell_new(known)
            await self.contexts.tell_additions()
        if watch is not None:
            await watch.tell_new(self, known)
        if (held or self.view.held) and self.session.enabled.condstore:
            self.tell_highest()

    def tell_highest(self) -> None:
        """Up to which mod-sequence the client knows everything: no further than an expunge that it is not told yet.

        RFC 7162 §3.2, §6: or it would miss the expunge when the connection breaks.
        """
        self.session.untagged(b"OK [%b] Highest mod-sequence" % response.highestmodseq(self.view.safe))

    def _tell_expunge(self, numbers: Iterable[int], uids: UidSet) -> None:
        self.saved -= uids
        if self.session.enabled.qresync or self.session.enabled.uidonly:
            self.session.untagged(b"VANISHED " + str(uids).encode())
        else:
            for number in numbers:
                self.session.untagged(b"%d EXPUNGE" % number)

    def _claim_recent(self) -> None:
        if not self.read_only and self.guest is None and (claimed := self.messages.views.claim_recent(self.shared)):
            self.view.recent_ranges.append(claimed)

    def announce_keywords(self) -> None:
        """FLAGS again when the mailbox has got keywords that this client has not been told (RFC 9051 §7.3.5)."""
        mask, count = self._known_flags
        if len(self.shared.used_more) > count or self.shared.used & ~mask & ~ALL_SYSTEM:
            self.announce_flags()

    def announce_flags(self) -> None:
        """FLAGS and PERMANENTFLAGS."""
        self._known_flags = (self.shared.used, len(self.shared.used_more))
        defined = self.flag_text.defined(self.shared.used, self.shared.used_more)
        self.session.untagged(b"FLAGS (%b)" % defined)
        permanent = b"" if self.read_only else self._permanent(defined)
        self.session.untagged(b"OK [PERMANENTFLAGS (%b)] Flags that can be changed" % permanent)

    def _permanent(self, defined: bytes) -> bytes:
        """Those of the flags that the user may change, and whether he may make new ones (RFC 4314 §5.1.1)."""
        if self.guest is None:
            return defined + b" \\*"
        system = self.flag_text[changeable(self._rights), NO_MORE]
        if "w" not in self._rights:
            return system
        keywords = self.flag_text[self.shared.used & ~ALL_SYSTEM, tuple(sorted(self.shared.used_more))]
        return b" ".join([names for names in (system, keywords, b"\\*") if names])

    def flags(self, state: FlagState) -> bytes:
        r"""The flag list of a message without its parentheses, with \Recent where that exists."""
        text = self.flag_text[state.mask, state.more]
        if self.view.recent_ranges and not self.session.enabled.rev2 and self.view.is_recent(state.uid):
            return text + b" \\Recent" if text else b"\\Recent"
        return text

    def tell_flags(self, seq: int, state: FlagState, *, with_uid: bool) -> None:
        """An untagged FETCH with what has changed.  With QRESYNC it must hold the UID (RFC 7162 §3.2.4)."""
        if state.mask & ~self._known_flags[0] & ~ALL_SYSTEM or state.more:
            # It may be gone again before the view hears of it.
            self.shared.used |= state.mask
            self.shared.used_more.update(state.more)
            self.announce_keywords()
        modseq = b" MODSEQ (%d)" % state.modseq if self.session.enabled.condstore else b""
        head = self._head(seq, state, with_uid=with_uid)
        self.session.write(b"%bFLAGS (%b)%b)\r\n" % (head, self.flags(state), modseq))

    def tell_modseq(self, seq: int, state: FlagState, *, with_uid: bool) -> None:
        """An untagged FETCH with the mod-sequence alone."""
        self.session.write(b"%bMODSEQ (%d))\r\n" % (self._head(seq, state, with_uid=with_uid), state.modseq))

    def _head(self, seq: int, state: FlagState, *, with_uid: bool) -> bytes:
        enabled = self.session.enabled
        if enabled.uidonly:
            return b"* %d UIDFETCH (" % state.uid
        if with_uid or enabled.condstore or enabled.rev2:  # RFC 7162 §3.2.4
            return b"* %d FETCH (UID %d " % (seq, state.uid)
        return b"* %d FETCH (" % seq
