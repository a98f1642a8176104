"""Octets that may be mail, for Hypothesis, and a walk over what was made of them."""

from __future__ import annotations

from hypothesis import strategies as st
from tests.corpus import ODD

from mailkeep.formats.mime.scan import Part

PIECES = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b"--", b"--a", b"--ab", b"--a--", b"--ab--", b":", b";", b'"', b"(",
    b")", b"\\",
    b"Content-Type: multipart/mixed; boundary=a\r\n", b"Content-Type: multipart/digest; boundary=ab\r\n\n",
    b"Content-Type: message/rfc822\n\n", b"Content-Type: text/plain; charset=utf-8", b"Subject: =?utf-8?q?x?=",
    b"Content-Transfer-Encoding: base64\r\n", b"From: a <a@b.example>", b"To: g: a@b, c;", b"\r\n\r\n", b"\n--a\n",
    b"\n--ab\n\n", b"text", b"\xff\xc3\xbc", b"Content-Disposition: attachment; filename*0*=utf-8''%41; filename*1=b",
    b"{3}\r\n", b"Date: 1 Jan 2025 10:00:00 +0100", b"Content-Language: de, en\r\n", b"Content-MD5: x\r\n",
    b"Message-ID: <a@b>\r\n",
]  # fmt: skip

MAIL = st.one_of(
    st.binary(max_size=300),
    st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join),
    st.sampled_from(sorted(ODD.values())).flatmap(
        lambda data: st.tuples(st.integers(0, len(data)), st.integers(0, 30), st.sampled_from(PIECES)).map(
            lambda cut: data[: cut[0]] + cut[2] + data[cut[0] + cut[1] :]
        )
    ),
)


def walk(part: Part) -> list[Part]:
    """A part and all parts inside, in the order of their headers."""
    out: list[Part] = []
    stack = [part]
    while stack:
        each = stack.pop()
        out.append(each)
        stack.extend(reversed(each.children))
    return out
