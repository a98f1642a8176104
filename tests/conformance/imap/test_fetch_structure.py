"""ENVELOPE, BODY and BODYSTRUCTURE of FETCH (RFC 9051 §7.5.2)."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.conformance.imap.messages import crlf
from tests.imap_client import ImapClient
from tests.imap_grammar import Address, Body, Envelope
from tests.live import Service

pytestmark = pytest.mark.rfc("9051", "7.5.2")


def one(client: ImapClient, octets: bytes, items: str) -> dict[str, object]:
    """Append a message and fetch `items` of it."""
    uid = client.append("INBOX", octets)
    client.ok("NOOP")
    return dict(client.ok(f"UID FETCH {uid} {items}").by_uid[uid])


def envelope_of(client: ImapClient, octets: bytes) -> Envelope:
    envelope = one(client, octets, "ENVELOPE")["ENVELOPE"]
    assert isinstance(envelope, Envelope)
    return envelope


def mailboxes(addresses: list[Address] | None) -> list[bytes | None]:
    return [address.mailbox for address in addresses or []]


class TestEnvelope:
    """trap 32"""

    def test_all_fields(self, inbox: ImapClient) -> None:
        octets = crlf(
            "Date: Mon, 7 Feb 1994 21:52:25 -0800\nSubject: hello\nFrom: Fred <f@example.com>, g@example.org\n"
            "Sender: s@example.com\nReply-To: r@example.com\nTo: t@example.com\nCc: c@example.com\nBcc: b@example.com\n"
            "In-Reply-To: <a@x>\nMessage-ID: <b@x>\n\n"
        )
        envelope = envelope_of(inbox, octets)
        assert envelope.date == b"Mon, 7 Feb 1994 21:52:25 -0800"
        assert envelope.from_ == [
            Address(b"Fred", None, b"f", b"example.com"),
            Address(None, None, b"g", b"example.org"),
        ]
        assert [mailboxes(envelope.sender), mailboxes(envelope.reply_to), mailboxes(envelope.bcc)] == [
            [b"s"],
            [b"r"],
            [b"b"],
        ]
        assert (envelope.in_reply_to, envelope.message_id) == (b"<a@x>", b"<b@x>")

    def test_absent_fields_are_nil_and_sender_is_from(self, inbox: ImapClient) -> None:
        envelope = envelope_of(inbox, crlf("From: f@example.com\n\n"))
        assert envelope.sender == envelope.reply_to == envelope.from_
        assert [envelope.to, envelope.cc, envelope.bcc, envelope.date, envelope.subject, envelope.message_id] == [
            None
        ] * 6

    def test_nothing_at_all_is_ten_nils(self, inbox: ImapClient) -> None:
        assert set(envelope_of(inbox, b"\r\n")) == {None}

    def test_a_group_is_framed(self, inbox: ImapClient) -> None:
        envelope = envelope_of(inbox, crlf("To: Team: a@x.org, b@x.org;, c@x.org\nCc: undisclosed-recipients:;\n\n"))
        assert [tuple(a)[2:] for a in envelope.to or []] == [
            (b"Team", None),
            (b"a", b"x.org"),
            (b"b", b"x.org"),
            (None, None),
            (b"c", b"x.org"),
        ]
        assert [tuple(a)[2:] for a in envelope.cc or []] == [(b"undisclosed-recipients", None), (None, None)]

    def test_a_bad_date_passes_as_it_is(self, inbox: ImapClient) -> None:
        assert envelope_of(inbox, crlf("Date: next tuesday\n\n")).date == b"next tuesday"

    @pytest.mark.parametrize(
        "header",
        [
            'Subject: quote " and \\ backslash', "Subject: caf\xe9",
            "Subject: =?utf-8?Q?line=0D=0Abreak?=", "Subject: nul \0 here",
            'From: "quo\\"te" <q@x.org>', "From: caf\xe9 <c@x.org>",
            "From: <>", "From: @", "From: a b c", 'From: "unterminated <a@x.org>',
            "From: (comment) a@x.org (more)", "To: ,,,", "To: a@[127.0.0.1]",
            "Message-ID: no brackets \"", "Subject: folded\n here\n\tand there",
            "In-Reply-To: <a@x> <b@x>\n <c@x>", "Date: \x80\x81", "From: a@b@c",
            "To: " + "x" * 5000, "To: " + ", ".join(f"u{n}@x.org" for n in range(500)),
        ],
    )  # fmt: skip
    def test_hostile_headers_give_a_legal_answer(self, inbox: ImapClient, header: str) -> None:
        """trap 7: the strict reader is the assertion"""
        octets = header.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\nbody\r\n"
        one(inbox, octets, "(ENVELOPE BODYSTRUCTURE BODY BODY.PEEK[HEADER.FIELDS (SUBJECT FROM)])")


def resident_mb(pid: int) -> float:
    """Memory of a process, in megabytes."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def test_a_bomb_of_parts_costs_bounded_memory(inbox: ImapClient, server: Service, ours: None) -> None:
    """trap 55: 300,000 parts, and as many nested levels, in a few megabytes"""
    assert server.pid
    before = resident_mb(server.pid)
    flat = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n\r\n" * 300_000 + b"--b--\r\n"
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(100_000))
    for octets in (flat, deep):
        one(inbox, octets, "(BODYSTRUCTURE ENVELOPE)")
    assert resident_mb(server.pid) - before < 200


class TestBodystructure:
    """trap 3"""

    def structure(self, inbox: ImapClient, text: str | bytes) -> Body:
        octets = text if isinstance(text, bytes) else crlf(text)
        row = one(inbox, octets, "(BODY BODYSTRUCTURE)")
        body, structure = row["BODY"], row["BODYSTRUCTURE"]
        assert isinstance(body, Body)
        assert isinstance(structure, Body)
        assert not body.extended
        assert structure.extended
        return structure

    def test_text(self, inbox: ImapClient) -> None:
        part = self.structure(
            inbox,
            (
                "Content-Type: text/plain; charset=utf-8; format=flowed\n"
                "Content-Transfer-Encoding: quoted-printable\n"
                "Content-ID: <i@x>\nContent-Description: what\n"
                "\none\ntwo\n"
            ),
        )
        assert (part.type, part.subtype, part.params) == ("text", "plain", {"charset": b"utf-8", "format": b"flowed"})
        assert (part.id, part.description, part.size, part.lines) == (b"<i@x>", b"what", 10, 2)
        assert part.encoding
        assert part.encoding.lower() == "quoted-printable"

    def test_without_any_header_it_is_us_ascii_text(self, inbox: ImapClient) -> None:
        part = self.structure(inbox, "\nx\n")
        assert (part.type, part.subtype) == ("text", "plain")
        assert part.params == {"charset": b"us-ascii"}
        assert part.encoding
        assert part.encoding.lower() == "7bit"

    def test_multipart_has_its_boundary_and_extension_data(self, inbox: ImapClient) -> None:
        part = self.structure(
            inbox,
            (
                'Content-Type: multipart/mixed; boundary="b b"\n'
                "Content-Disposition: inline\nContent-Language: en,"
                " de\nContent-Location: http://x/\n\n"
                "--b b\n\none\n--b b\nContent-Type: image/png; name=i.png\n"
                "Content-Transfer-Encoding: base64\nContent-Disposition: attachment; "
                "filename=i.png\nContent-MD5: abc==\n\nAAAA\n"
                "--b b--\n"
            ),
        )
        assert part.params == {"boundary": b"b b"}
        assert (part.disposition, part.language, part.location) == (("inline", None), [b"en", b"de"], b"http://x/")
        image = part.parts[1]
        assert image.disposition == ("attachment", {"filename": b"i.png"})
        assert (image.md5, image.lines, image.params) == (b"abc==", None, {"name": b"i.png"})

    def test_nested_message_has_envelope_body_and_lines(self, inbox: ImapClient) -> None:
        part = self.structure(inbox, "Content-Type: message/rfc822\n\nSubject: inner\nFrom: a@x.org\n\nhello\nthere\n")
        assert part.envelope
        assert part.envelope.subject == b"inner"
        assert part.parts[0].lines == 2
        assert part.lines == 5

    @pytest.mark.parametrize(
        "text",
        [
            "Content-Type: multipart/mixed; boundary=b\n\nno parts\n",
            "Content-Type: multipart/mixed; boundary=b\n\n--b--\n",
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nopen end\n",
            "Content-Type: multipart/mixed\n\n--b\n\nno boundary parameter\n",
            'Content-Type: multipart/mixed; boundary=""\n\n--\n\nempty boundary\n--\n',
            "Content-Type: multipart/mixed; boundary=b\n\n",
            "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: in a digest\n\nx\n--b--\n",
            "Content-Type: text\n\nx\n", "Content-Type: /\n\nx\n", "Content-Type: ;;;\n\nx\n", "Content-Type:\n\nx\n",
            "Content-Type: text/plain; charset\n\nx\n", 'Content-Type: text/plain; name="un closed\n\nx\n',
            "Content-Type: text/plain; name*=utf-8''%C3%A9t%C3%A9.txt\n\nx\n",
            "Content-Type: text/plain; name*0*=utf-8''a%20; name*1=b\n\nx\n",
            "Content-Type: text/plain; name==?utf-8?Q?caf=C3=A9?=\n\nx\n",
            "Content-Type: text/plain; name=\"caf\xe9\"\n\nx\n",
            "Content-Type: text/plain; a=1; a=2\n\nx\n",
            "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogYQ0KDQp4DQo=\n",
            "Content-Type: message/rfc822\n\n", "Content-Type: message/partial; id=x\n\nx\n",
            "Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n",
            "Content-Transfer-Encoding:\n\nx\n", "Content-Transfer-Encoding: 8bit (comment)\n\nx\n",
            "Content-Disposition: attachment; filename*=iso-8859-1''%E9\n\nx\n", "Content-Disposition: ;\n\nx\n",
            "Content-Type: multipart/alternative; boundary=b\nContent-Type: text/plain\n\n--b\n\nx\n--b--\n",
            (
                "Content-Type: multipart/mixed; boundary=a\n"
                "\n--a\nContent-Type: multipart/mixed; boundary=a\n"
                "\n--a\n\nx\n--a--\n--a--\n"
            ),
            "Content-Language: en,\n\nx\n", "Content-ID:\nContent-Description:\n\nx\n",
        ],
    )  # fmt: skip
    def test_malformed_ones_have_some_legal_structure(self, inbox: ImapClient, text: str) -> None:
        """traps 3 and 7"""
        self.structure(inbox, text.replace("\n", "\r\n").encode("latin-1"))

    def test_an_empty_multipart_has_a_part(self, inbox: ImapClient) -> None:
        part = self.structure(inbox, "Content-Type: multipart/mixed; boundary=b\n\nno parts\n")
        assert part.type != "multipart" or part.parts

    def test_two_hundred_levels_are_answered(self, inbox: ImapClient) -> None:
        octets = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(200))
        self.structure(inbox, octets + b"Content-Type: text/plain\r\n\r\ndeep\r\n")

    def test_ten_thousand_parts_are_answered(self, inbox: ImapClient) -> None:
        """trap 55"""
        octets = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 10_000 + b"--b--\r\n"
        self.structure(inbox, octets)
        inbox.ok("FETCH 1 (BODY.PEEK[1] BODY.PEEK[9000])")

    def test_ten_thousand_nested_levels_are_answered(self, inbox: ImapClient) -> None:
        """trap 55"""
        octets = b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(10_000)
        )
        row = one(inbox, octets, "(BODYSTRUCTURE BODY.PEEK[])")
        assert row["BODY[]"] == octets

    def test_ten_thousand_nested_messages_are_answered(self, inbox: ImapClient) -> None:
        """trap 55"""
        octets = b"Content-Type: message/rfc822\r\n\r\n" * 10_000
        assert one(inbox, octets, "(BODYSTRUCTURE ENVELOPE BODY.PEEK[])")["BODY[]"] == octets

    def test_megabytes_of_header_are_answered(self, inbox: ImapClient) -> None:
        octets = (
            b"Subject: s\r\n" + b"X-Pad: " + b"y" * 3_000_000 + b"\r\n" + b"X-Line: z\r\n" * 100_000 + b"\r\nbody\r\n"
        )
        row = one(inbox, octets, "(ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER])")
        assert isinstance(row["BODY[HEADER]"], bytes)
        assert len(row["BODY[HEADER]"]) == len(octets) - len(b"body\r\n")
