"""STORE and UID STORE."""

from __future__ import annotations

from typing import Final

from mailkeep.imap.done import Done, Refused
from mailkeep.imap.flags import parse_flags
from mailkeep.imap.message_limit import cut, with_limit
from mailkeep.imap.progress import Progress
from mailkeep.imap.session import Selected
from mailkeep.imap.wire import response
from mailkeep.imap.wire import store as wire
from mailkeep.model.uidset import UidSet
from mailkeep.service.messages import How

HOW: Final = {wire.How.REPLACE: How.REPLACE, wire.How.ADD: How.ADD, wire.How.REMOVE: How.REMOVE}

MANY: Final = 1000  # messages: the flags of fewer are stored in no time


async def store(s: Selected, cmd: wire.Store) -> Done:
    """Change flags of messages.  RFC 9051 §6.4.6; UNCHANGEDSINCE and the MODIFIED code: RFC 7162 §3.1.3.

    Raises: Forbidden (mailbox opened read-only), LimitReached (keywords).
    """
    s.require_writable()
    flags = parse_flags(cmd.flags)
    if cmd.unchanged_since is not None:
        s.session.enable_condstore()
    await s.refresh()
    uids, limit = cut(s.session, s.resolve(cmd.numbers, uid=cmd.uid))
    expunged = not cmd.uid and any(s.view.is_withheld(uid) for uid in uids)
    before = s.shared.upto
    # Another session's change, not told yet, would be hidden behind a silent one of the same message.
    untold = {state.uid for state in s.shared.changed_since(s.view.told)} if cmd.silent else frozenset()
    args = (s.account, s.mailbox, UidSet(uids), HOW[cmd.how], flags, cmd.unchanged_since, s.guest)
    if len(uids) > MANY:
        with Progress(s.session):
            stored = await s.messages.store_flags(*args)
    else:
        stored = await s.messages.store_flags(*args)
    if s.shared.stale:
        await s.refresh()
    s.announce_keywords()
    condstore = s.session.enabled.condstore
    silent = cmd.silent and stored.previous <= before  # else somebody came between, and nobody knows where
    known = []
    for state in stored.states:
        seq = s.view.seq(state.uid)
        if not silent or state.uid in untold:
            s.tell_flags(seq, state, with_uid=cmd.uid)
        elif state.uid not in stored.changed:
            continue  # it may be another who has changed it just before: then that is told
        elif condstore:
            # the client knows the flags: we obeyed.  But not the mod-sequence (RFC 7162 §3.1.3)
            s.tell_modseq(seq, state, with_uid=cmd.uid)
        known.append(state)
    # One message, as nearly always: nothing else has happened, so nothing need be compared.
    if not (stored.changed and len(known) == 1 and s.view.follow(stored.previous, known[0].modseq)):
        s.view.expect(known)
    if limit and expunged:
        s.session.untagged(b"NO [%b] Some messages were not dealt with" % limit)  # RFC 9738 §3.1
    return with_limit(s.session, _answer(s, cmd, stored.refused, expunged=expunged), limit)


def _answer(s: Selected, cmd: wire.Store, refused: UidSet, *, expunged: bool) -> Done:
    numbers = refused if cmd.uid else s.view.numbers(refused)
    code = response.modified(numbers.ranges) if refused else b""
    if expunged:
        # RFC 2180 §4.2.2: the others are done; RFC 5530: what went is told with the next command that allows it
        raise Refused("Some of the messages no longer exist", code or b"EXPUNGEISSUED")
    return Done("Conditional STORE failed for some" if refused else "", code)
