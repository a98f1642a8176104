"""SELECT and EXAMINE."""

from __future__ import annotations

from bisect import bisect_left

from mailkeep.formats.objectid import mailboxid
from mailkeep.imap.commands.fetch import tell_changed
from mailkeep.imap.done import Bad, Done, Refused
from mailkeep.imap.session import Authenticated, Selected
from mailkeep.imap.wire import response
from mailkeep.imap.wire.select import Qresync, Select
from mailkeep.model.errors import NotFound
from mailkeep.model.ids import ModSeq
from mailkeep.model.mailbox import Mailbox
from mailkeep.model.uidset import UidSet


async def select(s: Authenticated, cmd: Select) -> Done:
    """Open a mailbox for reading and writing.  RFC 9051 §6.3.2, RFC 7162 §3.1.8, §3.2.5, RFC 4314 §5.2.

    Raises: NotFound, Forbidden.
    """
    selected = await _open(s, cmd, read_only=False)
    return Done("SELECT completed", b"READ-ONLY" if selected.read_only else b"READ-WRITE")


async def examine(s: Authenticated, cmd: Select) -> Done:
    """Open a mailbox for reading only.  RFC 9051 §6.3.3.  Raises: NotFound."""
    await _open(s, cmd, read_only=True)
    return Done("EXAMINE completed", b"READ-ONLY")


async def _open(s: Authenticated, cmd: Select, *, read_only: bool) -> Selected:
    session = s.session
    if cmd.qresync is not None and not session.enabled.qresync:
        raise Bad("ENABLE QRESYNC first")
    if cmd.qresync is not None and cmd.qresync.matches and session.enabled.uidonly:
        raise Refused("There are no message numbers", b"UIDREQUIRED", response.BAD)  # RFC 9586
    if session.selected is not None:
        session.close_mailbox()
        session.untagged(b"OK [CLOSED] Previous mailbox is closed")
    place = await s.places.get(s.account, cmd.mailbox, "r")
    mailbox = place.mailbox
    if not mailbox.selectable:
        raise NotFound("This is a name without a mailbox")
    session.enabled.condstore |= cmd.condstore
    shared = await s.messages.views.open(place.account, mailbox)
    selected = session.selected = Selected(s, place, shared, read_only=read_only or s.login.read_only)
    _introduce(selected, mailbox)
    if s.metadata is not None:
        await s.follow_metadata(place.account)
    if cmd.qresync is not None and cmd.qresync.uidvalidity == mailbox.uidvalidity:
        await _resynchronize(selected, cmd.qresync)
    return selected


def _introduce(selected: Selected, mailbox: Mailbox) -> None:
    """The untagged data of RFC 9051 §6.3.2, and what RFC 3501 has more: RECENT and UNSEEN."""
    session, view = selected.session, selected.view
    if selected.read_only or selected.guest is not None:  # \Recent is for the owner
        first_recent = selected.messages.views.first_recent(selected.account, mailbox)
        if first_recent <= view.last_uid:
            view.recent_ranges.append((first_recent, view.last_uid))
    elif claimed := selected.messages.views.claim_recent(selected.shared, mailbox.first_recent):
        view.recent_ranges.append(claimed)
    session.untagged(b"%d EXISTS" % view.count)
    if not session.enabled.rev2:
        session.untagged(b"%d RECENT" % view.recent)
    selected.announce_flags()
    unseen_is_told = not session.enabled.rev2 and not session.enabled.uidonly
    if unseen_is_told and (first_unseen := selected.shared.first_unseen()) >= 0:
        session.untagged(b"OK [UNSEEN %d] First unseen message" % (first_unseen + 1))
    session.untagged(b"OK [UIDVALIDITY %d] UIDs are valid" % mailbox.uidvalidity)
    session.untagged(b"OK [UIDNEXT %d] Predicted next UID" % max(mailbox.uidnext, view.last_uid + 1))
    session.untagged(b"OK [%b] Highest mod-sequence" % response.highestmodseq(view.told))
    session.untagged(b"OK [%b] Mailbox identifier" % response.mailboxid(mailboxid(selected.account, mailbox.id)))
    if "URLAUTH" not in session.options.off:
        session.untagged(b"OK [%b] URLs can be authorized" % response.URLMECH)
    if session.enabled.rev2:
        name = response.mailbox(selected.place.name, utf8=session.enabled.utf8_names)
        session.write(response.list_line((), name))


async def _resynchronize(selected: Selected, known: Qresync) -> None:
    """What happened since the client last looked (RFC 7162 §3.2.5.1)."""
    since = ModSeq(known.modseq)
    vanished = await selected.messages.vanished(selected.account, selected.mailbox, since)
    if known.known_uids is not None:
        vanished = vanished & UidSet.of_ranges(known.known_uids)
    vanished = vanished - UidSet(selected.view.all_uids())
    vanished = vanished - _unchanged_prefix(selected, known)
    if vanished:
        selected.session.write(response.vanished(vanished.ranges, earlier=True))
    within = None if known.known_uids is None else UidSet.of_ranges(known.known_uids)
    await tell_changed(selected, since, within)


def _unchanged_prefix(selected: Selected, known: Qresync) -> UidSet:
    """UIDs up to which the client surely knows of all expunges, by its sample of numbers and UIDs (§3.2.5.2)."""
    surely = 0
    for (number, last), (uid, _) in known.matches:
        if uid <= surely:  # the sets must ascend
            break
        agreeing = _agreeing(selected, number, uid, last - number + 1)
        if agreeing:
            surely = uid + agreeing - 1
        if number + agreeing <= last:
            break
    return UidSet.of_ranges([(1, surely)]) if surely else UidSet()


def _agreeing(selected: Selected, number: int, uid: int, count: int) -> int:
    """How many of `count` pairs from this one on are right, up to the first that is not.

    Found by bisection: both ascend by one, so where the first and a later pair are right, all between them are.
    """

    def is_wrong(offset: int) -> bool:
        return selected.view.seq(uid + offset) != number + offset

    return 0 if is_wrong(0) else bisect_left(range(count), True, key=is_wrong)  # noqa: FBT003  what is looked for
