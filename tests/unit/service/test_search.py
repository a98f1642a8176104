"""Searching: the same answers as the naive rule, however much is indexed."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import hashlib
import quopri
import random
import tempfile
from calendar import timegm
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.any_mail import MAIL

from mailkeep.formats.mime.scan import scan
from mailkeep.formats.mime.text import body_texts, field_texts, fold, header_text
from mailkeep.model import query as q
from mailkeep.model.ids import AccountId, MessageId, ModSeq
from mailkeep.model.mailbox import Mailbox
from mailkeep.model.uidset import UidSet
from mailkeep.service import segment
from mailkeep.service.bus import Bus
from mailkeep.service.indexer import Indexer
from mailkeep.service.messages import Flags, How, Incoming, Messages
from mailkeep.service.search import Search
from mailkeep.service.search_fields import SEARCH_FIELDS, decode
from mailkeep.service.spool import Octets
from mailkeep.service.text_check import check_text
from mailkeep.service.views import Views
from mailkeep.store import ops
from mailkeep.store.contract import SEGMENT, AccountState, Also, Derived, Fetched
from mailkeep.store.sqlite.store import SqliteStore
from mailkeep.testing.store_contract import World

DAY = 86400
NOON = timegm((2024, 6, 15, 12, 0, 0))
WORDS = [
    "report", "REPORT", "Straße", "STRASSE", "naïve", "nai\u0308ve", "Привет", "привет", "会議", "資料",
    "שלום", "مرحبا", "ﬁne", "Ａbc", "İstanbul", "x", "re", "İ", "ß", "\u0301", "\u1100\u1161", "가", "🎉",
    "e\u0301", "é", ":", "<b>", "a b",
]  # fmt: skip


@dataclass
class Office:
    """One account on a store, and who works on it."""

    store: SqliteStore
    account: AccountId
    messages: Messages
    search: Search
    indexer: Indexer
    views: Views
    now: float = NOON

    async def box(self, name: str) -> Mailbox:
        found = await self.store.read(ops.find_mailbox, self.account, name)
        assert found is not None
        return found

    async def deliver(self, *mails: bytes, to: str = "INBOX", day: int = 0) -> None:
        incoming = [
            Incoming(octets=octets(mail), internaldate=NOON + day * DAY, flags=Flags(mask=len(mail) % 32))
            for mail in mails
        ]
        await self.messages.append(self.account, (await self.box(to)).id, incoming)

    async def find(self, query: q.Query, name: str = "INBOX") -> list[int]:
        view = await self.views.open(self.account, await self.box(name))
        try:
            return await self.search.search(view, view.uids, query)
        finally:
            self.views.close(view)

    async def entries(self, name: str = "INBOX") -> list[tuple[Fetched, bytes]]:
        mailbox = (await self.box(name)).id
        uids = UidSet.of_ranges([(1, 1 << 31)])
        rows = await self.store.read(ops.fetch, self.account, mailbox, uids, (), Also.NOTHING)
        return [(row, self.store.open_blob(self.account, row.entry.blob).read()) for row in rows]


def octets(data: bytes) -> Octets:
    return Octets(size=len(data), sha256=hashlib.sha256(data).digest(), data=data, path=None)


def in_office(test: Callable[[Office], Awaitable[None]]) -> None:
    async def main() -> None:
        with tempfile.TemporaryDirectory() as directory:
            async with SqliteStore(Path(directory)) as store:
                account = (await World.make(store)).account
                store.directory.set_state(account, AccountState.ACTIVE)
                bus = Bus()
                office = Office(
                    store,
                    account,
                    Messages(store, bus, (SEARCH_FIELDS,), clock=lambda: office.now),
                    Search(store),
                    Indexer(store, bus, lambda: [account]),
                    Views(store, bus),
                )
                await test(office)
                assert await store.check(account) == ()
                assert await check_text(store, account) == ()

    asyncio.run(main())


# --- the naive rule


def holds(query: q.Query, row: Fetched, data: bytes) -> bool:
    """What RFC 9051 §6.4.4 says, message by message."""
    part, entry = scan(data), row.entry
    fields = decode(SEARCH_FIELDS.function(part, data))
    match query:
        case q.And(terms):
            return all(holds(term, row, data) for term in terms)
        case q.Or(terms):
            return any(holds(term, row, data) for term in terms)
        case q.Not(term):
            return not holds(term, row, data)
        case q.HeaderContains(name, text) if name in fields.texts or name in ("from", "to", "cc", "bcc", "subject"):
            return name in fields.texts and fold(text) in fields.texts[name]
        case q.HeaderContains(name, text):
            return any(fold(text) in fold(value) for value in field_texts(part, data, name.encode()))
        case q.BodyContains(text):
            return not text or any(fold(text) in fold(each) for each in body_texts(part, data))
        case q.TextContains(text):
            texts = [header_text(part, data), *body_texts(part, data)]
            return not text or any(fold(text) in fold(each) for each in texts)
        case q.HasFlag(mask):
            return entry.mask & mask == mask
        case q.UidIn(uids):
            return entry.uid in uids
        case q.ModSeqAtLeast(modseq):
            return entry.modseq >= modseq
        case q.Larger(size):
            return entry.size > size
        case q.Smaller(size):
            return entry.size < size
        case q.EmailIs(emailid):
            return entry.emailid == emailid
        case q.Before(of, day):
            date = day_of(of, row, fields.sent)
            return date is not None and date < day
        case q.Since(of, day):
            date = day_of(of, row, fields.sent)
            return date is not None and date >= day
        case _:
            raise AssertionError(query)


def day_of(of: q.DateOf, row: Fetched, sent: dt.date | None) -> dt.date | None:
    if of is q.DateOf.SENT:
        return sent
    at = row.entry.internaldate if of is q.DateOf.INTERNAL else row.entry.saved_at
    return dt.datetime.fromtimestamp(at, dt.UTC).date()


# --- random mail, random deeds, random questions

WORD = st.sampled_from(WORDS)
TEXT = st.lists(WORD, max_size=6).flatmap(lambda words: st.sampled_from([" ", "", "\n"]).map(lambda by: by.join(words)))


@st.composite
def mails(draw: st.DrawFn) -> bytes:
    """Something well-formed, in some charset and encoding; or anything."""
    if draw(st.integers(0, 3)) == 0:
        return draw(MAIL)
    subject = draw(st.sampled_from(["subject", "x-note", "from", "to", "received"]))
    value = "=?utf-8?b?" + base64.b64encode(draw(TEXT).encode("utf-8", "surrogatepass")).decode() + "?="
    head = f"{subject}: {value}\r\nDate: {draw(st.integers(1, 28))} Jun 2024 12:00 +0900\r\n"
    charset = draw(st.sampled_from(["utf-8", "utf-16", "koi8-r", "iso-8859-1", "shift_jis", "x-unknown"]))
    codec = "utf-8" if charset == "x-unknown" else charset
    body = draw(TEXT).encode(codec, "replace")
    kind = draw(st.sampled_from(["plain", "html"]))
    if kind == "html":
        body = "<p>rep<b>ort</b><br>a&amp;b &eacute;".encode(codec, "replace") + body
    how = draw(st.sampled_from(["8bit", "base64", "quoted-printable"]))
    encoded = {"8bit": body, "base64": base64.encodebytes(body), "quoted-printable": quopri.encodestring(body)}[how]
    part = (
        f"Content-Type: text/{kind}; charset={charset}\r\nContent-Transfer-Encoding: {how}\r\n\r\n".encode() + encoded
    )
    if draw(st.booleans()):
        part = (
            b"Content-Type: multipart/mixed; boundary=zz\r\n\r\n--zz\r\n" + part + b"\r\n--zz\r\n\r\nmore\r\n--zz--\r\n"
        )
    return head.encode() + part


NEEDLE = st.one_of(
    WORD, TEXT, st.sampled_from(["ort", "report", "a&b", "é", "mor", "content-type: text", "T", "", "\n"])
)
DAYS = st.integers(1, 28).map(lambda day: dt.date(2024, 6, day))
LEAVES = st.one_of(
    NEEDLE.map(q.BodyContains),
    NEEDLE.map(q.TextContains),
    st.builds(
        q.HeaderContains,
        st.sampled_from(["from", "subject", "to", "bcc", "x-note", "received", "date", "no-such"]),
        NEEDLE,
    ),
    st.builds(q.Before, st.sampled_from(q.DateOf), DAYS),
    st.builds(q.Since, st.sampled_from(q.DateOf), DAYS),
    st.integers(0, 400).map(q.Larger),
    st.integers(0, 400).map(q.Smaller),
    st.integers(0, 31).map(q.HasFlag),
    st.sets(st.integers(1, 90)).map(lambda uids: q.UidIn(UidSet(uids))),
    st.integers(0, 20).map(lambda modseq: q.ModSeqAtLeast(ModSeq(modseq))),
    st.integers(1, 90).map(lambda number: q.EmailIs((1, number))),
)
QUERIES: st.SearchStrategy[q.Query] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda terms: q.And(tuple(terms))),
        st.lists(inner, max_size=3).map(lambda terms: q.Or(tuple(terms))),
        inner.map(q.Not),
    ),
    max_leaves=5,
)
DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("deliver"), st.lists(mails(), min_size=1, max_size=5)),
        st.tuples(st.sampled_from(["move", "copy", "return", "expunge"]), st.sets(st.integers(1, 80), max_size=30)),
        st.tuples(st.sampled_from(["index", "index all", "sweep"]), st.none()),
    ),
    max_size=10,
)


async def do(office: Office, deed: str, what: object) -> None:
    inbox, archive = (await office.box("INBOX")).id, (await office.box("Archive")).id
    match deed, what:
        case "deliver", list(new):
            await office.deliver(*new)
        case "move", set(uids):
            await office.messages.move(office.account, inbox, UidSet(uids), archive)
        case "return", set(uids):
            await office.messages.move(office.account, archive, UidSet(uids), inbox)
        case "copy", set(uids):
            await office.messages.copy(office.account, inbox, UidSet(uids), inbox)
        case "expunge", set(uids):
            await office.messages.store_flags(office.account, inbox, UidSet(uids), How.ADD, Flags(mask=8))
            await office.messages.expunge(office.account, inbox, UidSet(uids))
        case "index", _:
            await office.indexer.step(office.account, rest=16)
        case "index all", _:
            await office.indexer.catch_up(office.account)
        case "sweep", _:
            office.now += 40 * DAY
            await office.store.sweep(int(office.now))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.integers(0, 70), DEEDS, st.lists(QUERIES, min_size=1, max_size=8))
def test_the_answer_is_that_of_the_naive_rule_whatever_is_indexed(
    before: int, deeds: list[tuple[str, object]], queries: list[q.Query]
) -> None:
    """D10: a stale index costs time, never a wrong answer"""

    async def test(office: Office) -> None:
        await office.deliver(*[b"Subject: filler %d\r\n\r\nreport %d\r\n" % (n, n) for n in range(before)])
        for deed, what in deeds:
            await do(office, deed, what)
        entries = await office.entries()
        for query in queries:
            expected = [row.entry.uid for row, data in entries if holds(query, row, data)]
            assert await office.find(query) == expected, query

    in_office(test)


@pytest.mark.parametrize("seed", range(3))
def test_whole_spans_of_segments_answer_by_their_words_as_their_texts_would(seed: int) -> None:
    """With dead text in one of them, written anew"""
    choice = random.Random(seed)

    async def test(office: Office) -> None:
        by = [" ", "", ".", "@"]
        texts = [choice.choice(by).join(choice.choices(WORDS, k=choice.randrange(8))) for _ in range(600)]
        await office.deliver(*[b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + text.encode() for text in texts])
        await office.indexer.catch_up(office.account)
        await do(office, "expunge", set(choice.sample(range(1, 600), 40)))
        for _ in range(2):
            entries = await office.entries()
            for _ in range(25):
                text = choice.choice(texts)
                start = choice.randrange(len(text) + 1)
                query = q.BodyContains(text[start : start + choice.randrange(1, 9)])
                assert await office.find(query) == [row.entry.uid for row, data in entries if holds(query, row, data)]
            await do(office, "sweep", None)
            await office.indexer.catch_up(office.account)

    in_office(test)


# --- single rules


def test_html_is_found_as_it_is_written_and_as_it_reads() -> None:
    async def test(office: Office) -> None:
        await office.deliver(b"Content-Type: text/html\r\n\r\n<p>quar<b>ter</b>ly<br>f&uuml;r</p><!-- hidden -->\r\n")
        for _ in range(2):
            for needle in ("quarterly", "QUARTERLY für", "quar<b>", "f&uuml;r", "hidden"):
                assert await office.find(q.BodyContains(needle)) == [1], needle
            assert await office.find(q.BodyContains("ly f&")) == []
            await office.indexer.catch_up(office.account)

    in_office(test)


def test_a_message_with_more_text_than_is_kept_is_found_all_the_same() -> None:
    async def test(office: Office) -> None:
        long = b"Subject: long\r\n\r\n" + b"word " * (segment.MAX_RECORD // 5) + b"needle\r\n"
        await office.deliver(b"Subject: one\r\n\r\nneedle\r\n", long, b"Subject: two\r\n\r\nneedle\r\n")
        await office.indexer.catch_up(office.account)
        assert list((await office.store.read(ops.get_text_index, office.account)).loose) == [2]
        assert await office.find(q.BodyContains("needle")) == [1, 2, 3]
        assert await office.find(q.And((q.HeaderContains("subject", "long"), q.TextContains("NEEDLE")))) == [2]

    in_office(test)


def test_dead_text_leaves_the_index_when_its_tombstone_goes() -> None:
    async def test(office: Office) -> None:
        await office.deliver(b"Subject: a\r\n\r\nsecret\r\n", b"Subject: b\r\n\r\npublic\r\n")
        await office.indexer.catch_up(office.account)
        assert b"secret" in await text_of_bodies(office)
        await do(office, "expunge", {1})
        await do(office, "sweep", None)
        await office.indexer.catch_up(office.account)
        assert b"secret" not in await text_of_bodies(office)
        assert await office.find(q.BodyContains("public")) == [2]

    in_office(test)


async def text_of_bodies(office: Office) -> bytes:
    rows = await office.store.scan(ops.read_text, office.account, segment.BODY, UidSet([0]))
    return segment.unpack(rows[0][1])


def test_fields_kept_by_an_older_program_are_made_anew() -> None:
    async def test(office: Office) -> None:
        await office.deliver(b"Subject: Gr\xc3\xbc\xc3\x9fe\r\nDate: 3 Jun 2024 10:00 +0000\r\n\r\n")
        old = Derived(SEARCH_FIELDS.kind, 0, b"what nobody understands")
        await office.store.write(ops.put_derived, office.account, ((MessageId(1), old),))
        query = q.And((q.HeaderContains("subject", "GRÜSSE"), q.Since(q.DateOf.SENT, dt.date(2024, 6, 3))))
        assert await office.find(query) == [1]
        await office.indexer.catch_up(office.account)
        assert await office.find(query) == [1]

    in_office(test)


@pytest.mark.parametrize("bit", [0, 4, 5, 31, 32, 61])
def test_every_flag_of_the_mask_is_looked_at(bit: int) -> None:
    async def test(office: Office) -> None:
        await office.deliver(b"a", b"b", b"c")
        inbox = (await office.box("INBOX")).id
        keywords = tuple(f"k{n}" for n in range(5, 70))
        await office.messages.store_flags(office.account, inbox, UidSet([2]), How.REPLACE, Flags(31, keywords))
        assert await office.find(q.HasFlag(1 << bit)) == [2] if bit > 4 else 2 in await office.find(q.HasFlag(1 << bit))
        assert await office.find(q.And((q.HasFlag(1 << bit | 1 << 60), q.HasKeyword(66)))) == [2]

    in_office(test)


def test_only_messages_that_the_client_knows_are_found() -> None:
    async def test(office: Office) -> None:
        await office.deliver(b"a", b"b", b"c", b"d")
        view = await office.views.open(office.account, await office.box("INBOX"))
        known = view.uids[:3]
        await do(office, "expunge", {2})
        await office.views.refresh(view)
        assert await office.search.search(view, known, q.ALL) == [1, 3]
        assert await office.search.search(view, known, q.Larger(0)) == [1, 3]
        office.views.close(view)

    in_office(test)


def test_the_background_indexes_full_segments_at_once() -> None:
    async def test(office: Office) -> None:
        await office.deliver(*[b"Subject: x\r\n\r\n%d\r\n" % n for n in range(70)])
        running = asyncio.ensure_future(office.indexer.run())
        async with asyncio.timeout(30):
            while (await office.store.scan(ops.get_text_index, office.account)).indexed_to < SEGMENT:
                pass
        running.cancel()
        assert await office.find(q.BodyContains("63")) == [64]

    in_office(test)


def test_a_search_that_is_cut_short_leaves_nothing_behind() -> None:
    async def test(office: Office) -> None:
        await office.deliver(*[b"Subject: x\r\n\r\nword %d\r\n" % n for n in range(200)])
        for _ in range(3):
            searching = asyncio.ensure_future(office.find(q.BodyContains("word 7")))
            await asyncio.sleep(0)
            searching.cancel()
            with pytest.raises(asyncio.CancelledError):
                await searching
            assert len(await office.find(q.BodyContains("word 7"))) == 11
            await office.indexer.step(office.account, rest=1)

    in_office(test)
