"""NOTIFY."""

from __future__ import annotations

from mailkeep.imap.commands.fetch import write_rows
from mailkeep.imap.commands.status import write_status
from mailkeep.imap.places_of import places_of
from mailkeep.imap.session import Authenticated
from mailkeep.imap.watch import Watch, wants_modseq
from mailkeep.imap.wire.notify import MESSAGE_EVENTS, Notify
from mailkeep.service.pace import Pace


async def notify(s: Authenticated, cmd: Notify) -> None:
    """Choose what to be told of, from now on and at any time.  RFC 5465 §3.1.

    A mailbox that is watched but may not be read is told by LIST with \\NoAccess; of what may not be seen, nothing.
    """
    if cmd.groups and s.session.selected is not None:
        # what has happened so far is told as it was wanted so far (RFC 5465 §3.1: an implicit NOOP)
        await s.session.selected.sync(may_expunge=True)
    now = await s.session.services.metadata.now(s.account)
    watch = Watch(s, cmd.groups, now, write_status=write_status, write_rows=write_rows)
    if wants_modseq(watch.items):
        s.session.enable_condstore()
    try:
        # first the accounts, then what there is in them: what comes in between is told afterwards
        await watch.follow(await places_of(s, watch.others, readable=False))
        await _introduce(s, watch, status=cmd.status)
    except BaseException:
        watch.release()
        raise
    if s.watch is not None:
        s.watch.release()
    s.watch = watch
    watch.look()


async def _introduce(s: Authenticated, watch: Watch, *, status: bool) -> None:
    selected = s.session.selected
    pace = Pace()
    for place in await places_of(s, watch.others, readable=False):
        if pace.is_over:  # a hundred groups may have to be asked about each of ten thousand mailboxes
            await pace.give_way()
        if not place.may("r"):
            await watch.write_unreadable(place)
            continue
        events = await watch.events(place.account, place.name) & MESSAGE_EVENTS
        is_selected = selected is not None and (selected.account, selected.mailbox) == (place.account, place.mailbox.id)
        if status and events and not is_selected:
            await watch.tell_status(place, events, flags_alone=False, first=True)
        await s.session.connection.drain()
