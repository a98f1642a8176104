"""Sorting and threading a mailbox: the same order as the naive rule, however much is indexed, whatever happens."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from tests.any_mail import MAIL
from tests.unit.service.test_search import Office, in_office

from mailkeep.formats.collation import Comparator, collation_key
from mailkeep.formats.mime.scan import scan
from mailkeep.model.order import Criterion, SortKey, Threading
from mailkeep.model.uidset import UidSet
from mailkeep.service import order_keys as k
from mailkeep.service.messages import Flags, How
from mailkeep.service.order import Collation, Order
from mailkeep.store.contract import Fetched

SUBJECTS = ["beta", "Alpha", "Re: alpha", "ä", "Z", "", "[list] beta (fwd)", "Ａ", "ß", "ÉCOLE", "école", "zzz"]
PEOPLE = [
    "Ann <ann@x.org>",
    "bob@x.org",
    '"Zoe" <a@x.org>',
    "=?utf-8?q?=C3=84rzte?= <c@x.org>",
    "g: x@y.org;",
    "",
    "<@>",
]


def mail(r: random.Random, number: int) -> bytes:
    lines = [f"Subject: {r.choice(SUBJECTS)}", f"From: {r.choice(PEOPLE)}", f"To: {r.choice(PEOPLE)}"]
    if r.random() < 0.5:
        lines.append(f"Cc: {r.choice(PEOPLE)}, late@x.org")
    if r.random() < 0.8:
        lines.append(f"Date: {r.choice(['x', f'{r.randrange(1, 29)} Jan 2024 {r.randrange(24)}:00:00 +0500'])}")
    lines.append(f"Message-ID: <{number}@x>")
    if number and r.random() < 0.6:
        lines.append(f"References: <{r.randrange(number + 3)}@x> <{r.randrange(number + 3)}@x>")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + b"x" * r.randrange(50)


def value(row: Fetched, data: bytes, key: SortKey, comparator: Comparator) -> object:
    """What RFC 5256 §3 and RFC 5957 §4 compare."""
    keys = k.order_keys(scan(data))
    match key:
        case SortKey.ARRIVAL:
            return row.entry.internaldate
        case SortKey.SIZE:
            return row.entry.size
        case SortKey.DATE:
            return row.entry.internaldate if keys.sent == k.NO_DATE else keys.sent
        case _:
            column = {
                SortKey.SUBJECT: k.SUBJECT, SortKey.FROM: k.FROM, SortKey.TO: k.TO, SortKey.CC: k.CC,
                SortKey.DISPLAYFROM: k.DISPLAY_FROM, SortKey.DISPLAYTO: k.DISPLAY_TO,
            }[key]  # fmt: skip
            return collation_key(keys.texts[column], comparator)


KEYS = [key for key in SortKey if key is not SortKey.RELEVANCY]
PROGRAMS = [(Criterion(key),) for key in KEYS] + [
    (Criterion(SortKey.SUBJECT, reverse=True),),
    (Criterion(SortKey.SUBJECT), Criterion(SortKey.DATE, reverse=True)),
    (Criterion(SortKey.FROM, reverse=True), Criterion(SortKey.TO), Criterion(SortKey.SIZE)),
]


async def expect(office: Office, order: Order, found: Sequence[int] | None = None) -> None:
    entries = await office.entries()
    view = await office.views.open(office.account, await office.box("INBOX"))
    try:
        wanted = view.uids if found is None else found
        for comparator in Comparator:
            for program in PROGRAMS:
                rows = [pair for pair in entries if pair[0].entry.uid in wanted]
                for criterion in reversed(program):
                    rows.sort(
                        key=lambda pair: value(*pair, criterion.key, comparator),
                        reverse=criterion.reverse,
                    )
                uids = await order.sort(view, wanted, program, Collation(comparator))
                assert list(uids) == [row.entry.uid for row, _ in rows], program
        for threading in Threading:
            threads = await order.thread(view, wanted, threading, Collation())
            assert sorted(threads.members) == sorted(row.entry.uid for row, _ in entries if row.entry.uid in wanted)
    finally:
        office.views.close(view)


def test_orders_are_right_before_while_and_after_messages_are_indexed() -> None:
    async def test(office: Office) -> None:
        r = random.Random(1)
        order = Order(office.store, office.search.numberings)
        await expect(office, order)
        for day in range(3):
            await office.deliver(*(mail(r, n) for n in range(day * 40, day * 40 + 40)), day=5 - day)
            await expect(office, order)
            await office.indexer.catch_up(office.account)
        await expect(office, Order(office.store, office.search.numberings))
        await office.deliver(*(mail(r, n) for n in range(120, 130)), day=-1)
        await expect(office, order)
        await expect(office, order, list(range(3, 130, 2)))
        await expect(office, order, [5, 77, 121])

    in_office(test)


def test_what_is_kept_stays_right_when_messages_go_and_come() -> None:
    async def test(office: Office) -> None:
        r = random.Random(2)
        order = Order(office.store, office.search.numberings)
        inbox = await office.box("INBOX")
        await office.deliver(*(mail(r, n) for n in range(90)))
        await office.indexer.catch_up(office.account)
        await expect(office, order)
        for start in (1, 40, 80):
            some = UidSet(range(start, start + 7))
            await office.messages.store_flags(office.account, inbox.id, some, How.ADD, Flags(mask=8))
            await office.messages.expunge(office.account, inbox.id, some)
            await office.deliver(*(mail(r, n) for n in range(start + 100, start + 103)), day=start)
            await expect(office, order)

    in_office(test)


def test_what_has_gone_meanwhile_is_left_out() -> None:
    async def test(office: Office) -> None:
        order = Order(office.store, office.search.numberings)
        await office.deliver(b"Subject: b\r\n\r\n", b"Subject: a\r\n\r\n")
        view = await office.views.open(office.account, await office.box("INBOX"))
        found = await order.sort(view, [1, 2, 99], (Criterion(SortKey.SUBJECT),), Collation())
        assert list(found) == [2, 1]
        assert list((await order.thread(view, [2, 99], Threading.REFS, Collation())).members) == [2]
        assert list((await order.thread(view, [99], Threading.REFS, Collation())).members) == []
        office.views.close(view)

    in_office(test)


def test_a_reversed_comparator_turns_texts_around_and_nothing_else() -> None:
    async def test(office: Office) -> None:
        order = Order(office.store, office.search.numberings)
        await office.deliver(b"Subject: b\r\n\r\n", b"Subject: a\r\n\r\nlonger")
        view = await office.views.open(office.account, await office.box("INBOX"))
        backwards = Collation(reverse=True)
        assert list(await order.sort(view, [1, 2], (Criterion(SortKey.SUBJECT),), backwards)) == [1, 2]
        assert list(await order.sort(view, [1, 2], (Criterion(SortKey.SIZE),), backwards)) == [1, 2]
        office.views.close(view)

    in_office(test)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(MAIL)
def test_any_mail_has_keys_that_survive_packing(data: bytes) -> None:
    keys = k.order_keys(scan(data))
    columns = k.pack_columns([None, keys, None])
    assert list(k.unpack_numbers(columns[k.SENT])) == [k.ABSENT, keys.sent, k.ABSENT]
    assert [list(each) for each in k.unpack_ids(columns[k.IDS], 3)] == [[], [keys.own, *keys.references], []]


@pytest.mark.rfc("5256", "3")
@pytest.mark.parametrize(
    ("header", "own", "references"),
    [
        (b"Message-ID: <a@b>\r\n", b"a@b", []),
        (b'Message-ID: <"a"@b>\r\n', b"a@b", []),
        (b'Message-ID: <"a\\"c"@b>\r\n', b'a"c@b', []),
        (b"Message-ID: a@b\r\n", None, []),
        (b"Message-ID: <ab>\r\n", None, []),
        (b"References: <a@b> junk <c@d>\r\n\t<e@f>\r\nIn-Reply-To: <x@y>\r\n", None, [b"a@b", b"c@d", b"e@f"]),
        (b"References: none\r\nIn-Reply-To: <x@y> <z@y>\r\n", None, [b"x@y"]),
        (b"In-Reply-To: your mail of today\r\n", None, []),
    ],
)
def test_ids_and_references(header: bytes, own: bytes | None, references: list[bytes]) -> None:
    def number(octets: bytes) -> int:
        return k.order_keys(scan(b"Message-ID: <%b>\r\n\r\n" % octets)).own

    keys = k.order_keys(scan(header + b"\r\n"))
    assert keys.own == (number(own) if own else 0) or own == b'a"c@b'
    assert list(keys.references) == [number(each) for each in references]


def test_references_of_100_kb_are_cut_to_the_first_and_the_last() -> None:
    header = b"References: " + b"\r\n ".join(b"<%d@x>" % n for n in range(10_000))
    keys = k.order_keys(scan(header + b"\r\n\r\n"))
    assert len(keys.references) == k.MAX_REFERENCES
    ends = k.order_keys(scan(b"References: <0@x> <9999@x>\r\n\r\n")).references
    assert (keys.references[0], keys.references[-1]) == ends


@pytest.mark.parametrize("piece", [b'<"', b"<", b'<"a\\', b"<a@", b'<"a"@', b"< \t"])
def test_torn_references_take_no_time(piece: bytes) -> None:
    k.order_keys(scan(b"References: " + piece * 30_000 + b"\r\n\r\n"))
