from __future__ import annotations

import pytest
from tests.unit.imap.wire.feeding import parse

from mailkeep.formats.mime.section import Text
from mailkeep.imap.wire.fetch import Item, Section
from mailkeep.imap.wire.filter_mailboxes import FilterMailboxes, Which
from mailkeep.imap.wire.lexer import ParseError, Refusal
from mailkeep.imap.wire.notify import MAX_GROUPS, Event, Group, Notify

BOTH = frozenset({Event.MESSAGE_NEW, Event.MESSAGE_EXPUNGE})
FROM_TO = Section(label=b"BODY[header.fields (from to)]", text=Text.FIELDS, fields=("from", "to"), peek=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"none", Notify()),
        (b"set (selected NONE)", Notify((Group(FilterMailboxes(Which.SELECTED), frozenset()),))),
        (
            b"set status (selected (MessageNew (uid body.peek[header.fields (from to)]) MessageExpunge))"
            b" (subtree Lists (MessageNew MessageExpunge))",
            Notify(
                (
                    Group(FilterMailboxes(Which.SELECTED), BOTH, (Item.UID, FROM_TO)),
                    Group(FilterMailboxes(Which.SUBTREE, ("Lists",)), BOTH),
                ),
                status=True,
            ),
        ),
        (
            b'SET (mailboxes ("a b" inbox) (messageexpunge flagchange messagenew MAILBOXNAME)) (personal'
            b" (SubscriptionChange MailboxMetadataChange ServerMetadataChange))",
            Notify(
                (
                    Group(
                        FilterMailboxes(Which.MAILBOXES, ("a b", "INBOX")),
                        BOTH | {Event.FLAG_CHANGE, Event.MAILBOX_NAME},
                    ),
                    Group(
                        FilterMailboxes(Which.PERSONAL),
                        frozenset(
                            {Event.SUBSCRIPTION_CHANGE, Event.MAILBOX_METADATA_CHANGE, Event.SERVER_METADATA_CHANGE}
                        ),
                    ),
                )
            ),
        ),
    ],
    ids=["none", "nothing of the selected one", "items", "all events"],
)
def test_it_is_read(text: bytes, value: Notify) -> None:
    assert parse(b"NOTIFY " + text) == value


@pytest.mark.parametrize(
    "text",
    [
        b"", b" ", b" MAYBE", b" NONE now", b" SET", b" SET STATUS", b" SET ()", b" SET (selected)",
        b" SET (selected (MessageNew))", b" SET (selected (FlagChange))", b" SET (personal (MessageExpunge))",
        b" SET (personal (MessageNew MessageExpunge)", b" SET (personal ())", b" SET (everything (MailboxName))",
        b" SET (selected (MailboxName))", b" SET (selected NONE) (selected-delayed NONE)",
        b" SET (personal (MessageNew (UID) MessageExpunge))", b" SET (selected (MessageNew () MessageExpunge))",
        b" SET (selected (MessageNew (ALL) MessageExpunge))", b" SET (mailboxes (MailboxName))",
        b" SET (personal MailboxName)", b" SET  (personal NONE)", b" SET (personal NONE) ()",
        b" SET" + b" (personal NONE)" * (MAX_GROUPS + 1),
    ],
)  # fmt: skip
def test_anything_else_is_a_mistake(text: bytes) -> None:
    with pytest.raises(ParseError) as caught:
        parse(b"NOTIFY" + text)
    assert not isinstance(caught.value, Refusal)


@pytest.mark.parametrize("event", [b"AnnotationChange", b"MessageNewer", b"x-mine"])
def test_an_unknown_event_is_refused_with_those_that_are_known(event: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        parse(b"NOTIFY SET (personal (MailboxName " + event + b"))")
    assert caught.value.code.startswith("BADEVENT (MessageNew MessageExpunge FlagChange MailboxName ")
