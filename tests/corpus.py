"""Mail for tests: a deterministic stream of realistic messages, and a table of odd ones made by hand.

`message(number, seed)` depends on its arguments alone.  Lines end in CRLF unless the message is about line ends.
"""

from __future__ import annotations

import base64
import quopri
import random
from email.header import Header
from email.utils import formatdate
from typing import Final

_START: Final = 1_735_689_600  # 2025-01-01
_WORDS: Final = [
    "harvest", "ledger", "window", "copper", "river", "lantern", "folder", "signal", "orchard", "bridge",
    "winter", "garden", "letter", "engine", "market", "paper", "silver", "morning", "travel", "budget",
    "coffee", "planet", "number", "travel", "station", "camera",
]  # fmt: skip
_TEXTS: Final = [
    ("utf-8", "Grüße aus Köln, die Rechnung liegt bei."),
    ("iso-8859-1", "La réunion de l'équipe est déplacée à jeudi."),
    ("iso-8859-2", "Proszę o potwierdzenie godziny spotkania w Łodzi."),
    ("koi8-r", "Пожалуйста, проверьте приложенный документ."),
    ("windows-1251", "Встреча переносится на следующую неделю."),
    ("iso-2022-jp", "会議の時間を変更します。"),
    ("shift_jis", "資料を添付しました。"),
    ("gb2312", "请查收附件中的合同。"),
    ("euc-kr", "다음 주 일정을 보내 드립니다."),
    ("iso-8859-7", "Σας στέλνω το τιμολόγιο."),
    ("utf-8", "The build is green \U0001f389 and tea is ready ☕"),
    ("us-ascii", "Plain words, nothing else."),
]
_NAMES: Final = [
    "Ann Lee", "Zoë Grün", "Łukasz Żak", "Ольга Крылова", "田中 花子", "O'Neil, Pat", "J. R. Hartley", "",
    'Quote "Q" Quoted', "back\\slash",
]  # fmt: skip
_HOSTS: Final = ["example.org", "example.com", "mail.example.net", "xn--bcher-kva.example", "[192.0.2.7]"]
_FILES: Final = ["notes.txt", "plan (final).pdf", "Übersicht.pdf", "資料.docx", 'a"b.bin', "x" * 90 + ".zip"]


def messages(count: int, seed: int = 1) -> list[bytes]:
    """The first `count` messages of a seed."""
    return [message(number, seed) for number in range(count)]


def message(number: int, seed: int = 1, *, depth: int = 0) -> bytes:
    """One message: header and body of a kind chosen by its number."""
    r = random.Random(f"{seed}/{number}/{depth}")
    header, body = _entity(r, number, depth)
    lines = [*_envelope(r, number), "MIME-Version: 1.0", *header]
    if r.random() < 0.05:
        lines.remove("MIME-Version: 1.0")
    octets = "\r\n".join(lines).encode("utf-8")
    return octets + b"\r\n\r\n" + body


def _envelope(r: random.Random, number: int) -> list[str]:
    lines = []
    if r.random() < 0.5:
        lines.append(
            f"Received: from a.example (a.example [192.0.2.{number % 250}])\r\n\tby b.example; {formatdate(_START)}"
        )
    if r.random() < 0.97:
        lines.append(f"From: {_address(r)}" if r.random() < 0.95 else f"From: {_address(r)}, {_address(r)}")
    for name, chance in (("To", 0.95), ("Cc", 0.3), ("Bcc", 0.05), ("Sender", 0.1), ("Reply-To", 0.15)):
        if r.random() < chance:
            lines.append(f"{name}: {_address_list(r)}")
    if r.random() < 0.97:
        lines.append(f"Subject: {_subject(r)}")
    if r.random() < 0.97:
        lines.append(f"Date: {_date(r, number)}")
    if r.random() < 0.97:
        lines.append(f"Message-ID: <{r.getrandbits(40):x}.{number}@{r.choice(_HOSTS)}>")
    if r.random() < 0.3:
        ids = [f"<{r.getrandbits(40):x}@example.org>" for _ in range(r.randrange(1, 8))]
        lines += [f"In-Reply-To: {ids[-1]}", "References: " + "\r\n ".join(ids)]
    if r.random() < 0.2:
        lines += ["List-Id: Testers <testers.example.net>", "Precedence: list"]
    if r.random() < 0.05:
        lines.append("X-Long: " + " ".join(r.choices(_WORDS, k=400)))
    r.shuffle(lines)
    return lines


def _date(r: random.Random, number: int) -> str:
    good = formatdate(_START + number * 997)
    return r.choice([good] * 8 + [f"{good} (a comment)", "yesterday at noon", "", "1 Jan 99 10:00 EST"])


def _subject(r: random.Random) -> str:
    charset, text = r.choice(_TEXTS)
    prefix = r.choice(["", "", "Re: ", "Fwd: ", "AW: [list] "])
    match r.randrange(7):
        case 0:
            return prefix + " ".join(r.choices(_WORDS, k=r.randrange(1, 30)))
        case 1:
            return prefix + text  # raw 8-bit
        case 2:
            return ""
        case 3:
            return prefix + 'say "hello" \\ and {12}'
        case 4:
            return prefix + "\r\n\t".join(r.choices(_WORDS, k=5))
        case _:
            return prefix + _encode(text, charset)


def _encode(text: str, charset: str = "utf-8") -> str:
    return Header(text, charset, maxlinelen=60).encode(linesep="\r\n")


def _address(r: random.Random) -> str:
    local = r.choice([*_WORDS, "first.last", '"odd local"', "user+tag"])
    spec = f"{local}@{r.choice(_HOSTS)}"
    name = r.choice(_NAMES)
    if not name:
        return spec if r.random() < 0.5 else f"<{spec}>"
    if not name.isascii():
        return f"{_encode(name)} <{spec}>"
    if r.random() < 0.15:
        return f"{spec} ({_comment(name)})"
    if r.random() < 0.1:
        return f"{name.split()[0].strip(',')} (aside) <{spec}>" if '"' not in name and "\\" not in name else f"<{spec}>"
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{spec}>'


def _comment(name: str) -> str:
    return name.replace("\\", "").replace('"', "")


def _address_list(r: random.Random) -> str:
    addresses = [_address(r) for _ in range(r.randrange(1, 6))]
    match r.randrange(12):
        case 0:
            return "undisclosed-recipients:;"
        case 1:
            return f"The Team: {', '.join(addresses)};"
        case 2:
            return f"{addresses[0]}, A Group: {', '.join(addresses)};, {addresses[-1]}"
        case _:
            return ",\r\n ".join(addresses)


def _entity(r: random.Random, number: int, depth: int) -> tuple[list[str], bytes]:
    """Content header lines and body."""
    if depth >= 3:
        return _text(r)
    kinds = [
        _text, _text, _html, _alternative, _alternative, _mixed, _mixed, _related, _signed, _report, _calendar, _bare,
    ]  # fmt: skip
    choice = r.randrange(len(kinds) + 2)
    if choice == len(kinds):
        return _forward(r, number, depth)
    if choice == len(kinds) + 1:
        return _digest(r, number, depth)
    return kinds[choice](r)


def _part(entity: tuple[list[str], bytes]) -> bytes:
    header, body = entity
    return "\r\n".join(header).encode("utf-8") + b"\r\n\r\n" + body


def _multipart(r: random.Random, subtype: str, parts: list[bytes], *parameters: str) -> tuple[list[str], bytes]:
    boundary = f"={r.choice(['_', '-', '.'])}{r.getrandbits(60):x}"
    header = "; ".join([f"Content-Type: multipart/{subtype}", *parameters, f'boundary="{boundary}"'])
    mark = boundary.encode()
    body = b"".join(b"--" + mark + b"\r\n" + part + b"\r\n" for part in parts)
    preamble = r.choice([b"", b"This is a message in MIME format.\r\n"])
    end = r.choice([b"--" + mark + b"--\r\n"] * 6 + [b"--" + mark + b"--\r\nepilogue\r\n", b"--" + mark + b"--", b""])
    return [header.replace("; ", ";\r\n\t") if r.random() < 0.5 else header], preamble + body + end


def _text(r: random.Random, subtype: str = "plain") -> tuple[list[str], bytes]:
    charset, text = r.choice(_TEXTS)
    text = "\r\n".join([text, " ".join(r.choices(_WORDS, k=12))] * r.randrange(1, 20)) + r.choice(["", "\r\n"])
    if subtype == "html":
        text = f"<html><body><p>{text}</p></body></html>"
    octets = text.encode(charset, "replace")
    encoding = r.choice(["quoted-printable", "base64", "8bit", "8bit", ""])
    if encoding == "base64":
        octets = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    elif encoding == "quoted-printable":
        octets = quopri.encodestring(octets.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    quoted = f'"{charset}"'
    case = r.choice([str.lower, str.upper, str.title])
    lines = [f"Content-Type: {case('text')}/{case(subtype)}; {case('charset')}={r.choice([charset, quoted])}"]
    if encoding:
        lines.append(f"Content-Transfer-Encoding: {case(encoding)}")
    if r.random() < 0.1:
        lines.append("Content-Language: en, de-DE")
    return lines, octets


def _html(r: random.Random) -> tuple[list[str], bytes]:
    return _text(r, "html")


def _bare(r: random.Random) -> tuple[list[str], bytes]:
    return [], " ".join(r.choices(_WORDS, k=r.randrange(40))).encode()


def _alternative(r: random.Random) -> tuple[list[str], bytes]:
    return _multipart(r, "alternative", [_part(_text(r)), _part(_html(r))])


def _attachment(r: random.Random) -> bytes:
    name = r.choice(_FILES)
    kind = r.choice(["application/pdf", "image/png", "application/octet-stream", "text/x-patch", "audio/ogg"])
    safe = name.replace('"', '\\"')
    if name.isascii() and len(name) < 80:
        parameter = f'filename="{safe}"'
    elif name.isascii():
        parameter = f'filename*0="{name[:50]}";\r\n\tfilename*1="{name[50:]}"'
    else:
        percent = "".join(f"%{octet:02X}" for octet in name.encode())
        parameter = r.choice(
            [
                f"filename*=utf-8''{percent}",
                f"filename*0*=utf-8''{percent[:30]};\r\n\tfilename*1*={percent[30:]}",
                f'filename="{_encode(name)}"',
            ]
        )
    body = base64.encodebytes(r.randbytes(r.randrange(10, 4000))).replace(b"\n", b"\r\n")
    lines = [
        f'Content-Type: {kind}; name="{safe if name.isascii() else _encode(name)}"',
        "Content-Transfer-Encoding: base64",
        f"Content-Disposition: {r.choice(['attachment', 'inline', 'ATTACHMENT'])}; {parameter}; size={len(body)}",
    ]
    if r.random() < 0.3:
        lines += [f"Content-ID: <{r.getrandbits(30):x}@example.org>", f"Content-Description: {_subject(r)}"]
    if r.random() < 0.2:
        lines += ["Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==", "Content-Location: https://example.org/a b"]
    return _part((lines, body))


def _mixed(r: random.Random) -> tuple[list[str], bytes]:
    first = _part(_alternative(r) if r.random() < 0.5 else _text(r))
    return _multipart(r, "mixed", [first, *[_attachment(r) for _ in range(r.randrange(0, 4))]])


def _related(r: random.Random) -> tuple[list[str], bytes]:
    inner = _multipart(r, "related", [_part(_html(r)), _attachment(r)], 'type="text/html"')
    return _multipart(r, "alternative", [_part(_text(r)), _part(inner)])


def _signed(r: random.Random) -> tuple[list[str], bytes]:
    signature = _part(
        (["Content-Type: application/pgp-signature; name=signature.asc"], b"-----BEGIN-----\r\n--- x\r\n")
    )
    return _multipart(
        r, "signed", [_part(_mixed(r)), signature], "micalg=pgp-sha256", 'protocol="application/pgp-signature"'
    )


def _report(r: random.Random) -> tuple[list[str], bytes]:
    status = b"Reporting-MTA: dns; mx.example.org\r\n\r\nFinal-Recipient: rfc822; a@example.org\r\nAction: failed\r\n"
    returned = _part((["Content-Type: text/rfc822-headers"], "\r\n".join(_envelope(r, 0)).encode()))
    parts = [_part(_text(r)), _part((["Content-Type: message/delivery-status"], status)), returned]
    return _multipart(r, "report", parts, "report-type=delivery-status")


def _calendar(r: random.Random) -> tuple[list[str], bytes]:
    event = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nSUMMARY:Größe\r\nEND:VCALENDAR\r\n".encode()
    lines = ["Content-Type: text/calendar; charset=utf-8; method=REQUEST", "Content-Transfer-Encoding: 8bit"]
    return _multipart(r, "alternative", [_part(_text(r)), _part((lines, event))])


def _forward(r: random.Random, number: int, depth: int) -> tuple[list[str], bytes]:
    lines = ["Content-Type: message/rfc822", 'Content-Disposition: attachment; filename="forwarded.eml"']
    inner = message(number, r.randrange(1000), depth=depth + 1)
    if r.random() < 0.2:
        return lines, inner
    return _multipart(r, "mixed", [_part(_text(r)), _part((lines, inner))])


def _digest(r: random.Random, number: int, depth: int) -> tuple[list[str], bytes]:
    inner = [b"\r\n" + message(number, r.randrange(1000), depth=depth + 1) for _ in range(r.randrange(1, 4))]
    return _multipart(r, "digest", inner)


def _crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode("latin-1")


def _head(value: str, rest: str = "") -> bytes:
    return _crlf(f"From: a@example.org\nMIME-Version: 1.0\nContent-Type: {value}\n\n{rest}")


def nested(levels: int, *, end: bool = True) -> bytes:
    """A multipart in a multipart in a multipart …"""
    opening = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%db\r\n\r\n--b%db\r\n" % (n, n) for n in range(levels)
    )
    closing = b"".join(b"\r\n--b%db--" % n for n in reversed(range(levels))) if end else b""
    return b"MIME-Version: 1.0\r\n" + opening + b"\r\ninnermost" + closing + b"\r\n"


def many_parts(count: int) -> bytes:
    """One multipart with `count` empty parts."""
    return _head("multipart/mixed; boundary=b") + b"--b\r\n\r\n\r\n" * count + b"--b--\r\n"


def nested_messages(levels: int) -> bytes:
    """A message in a message in a message …"""
    return b"Content-Type: message/rfc822\r\n\r\n" * levels + b"Subject: innermost\r\n\r\nbody\r\n"


_TWO: Final = "--b\n\none\n--b\nContent-Type: text/html\n\ntwo\n--b--\n"

ODD: Final[dict[str, bytes]] = {
    "empty message": b"",
    "a blank line only": b"\r\n",
    "header without body": b"Subject: x\r\n",
    "header without line end": b"Subject: x",
    "header and blank line": b"Subject: x\r\n\r\n",
    "body without header": b"\r\nbody\r\n",
    "text that looks like no header": b"hello world\r\nhow are you\r\n\r\nbody\r\n",
    "mbox line before the header": b"From ann@example.org Mon Jan  1 00:00:00 2025\r\nSubject: x\r\n\r\nbody\r\n",
    "garbage line inside the header": b"Subject: x\r\ngarbage without colon\r\nFrom: a@b.example\r\n\r\nbody\r\n",
    "space before the colon": b"Subject : x\r\nFrom: a@b.example\r\n\r\nbody\r\n",
    "folded with white space only": b"Subject: one\r\n \r\n two\r\nFrom: a@b.example\r\n\r\nbody\r\n",
    "folds everywhere": b"Subject:\r\n one\r\n\ttwo\r\nFrom:\r\n a\r\n @b.example\r\n\r\nbody\r\n",
    "multipart without boundary parameter": _head("multipart/mixed", _TWO),
    "multipart whose boundary never comes": _head("multipart/mixed; boundary=z", _TWO),
    "multipart without terminator": _head("multipart/mixed; boundary=b", "--b\n\none\n--b\n\ntwo\n"),
    "multipart with terminator only": _head("multipart/mixed; boundary=b", "--b--\n"),
    "multipart with an empty body": _head("multipart/mixed; boundary=b"),
    "multipart that ends in a boundary": _head("multipart/mixed; boundary=b", "--b\n\none\n--b\n"),
    "multipart that ends in a boundary without line end": _head("multipart/mixed; boundary=b", "--b\n\none\n--b"),
    "boundaries with nothing between": _head("multipart/mixed; boundary=b", "--b\n--b\n--b--\n"),
    "boundaries with a blank line between": _head("multipart/mixed; boundary=b", "--b\n\n--b\n\n--b--\n"),
    "part whose header is cut by a boundary": _head(
        "multipart/mixed; boundary=b", "--b\nContent-Type: text/html\n--b--\n"
    ),
    "preamble and epilogue": _head("multipart/mixed; boundary=b", "before\n" + _TWO + "after\n--b\nno part\n"),
    "boundary with trailing white space": _head("multipart/mixed; boundary=b", _TWO.replace("--b\n", "--b \t\n")),
    "boundary line that goes on": _head("multipart/mixed; boundary=b", _TWO.replace("--b\n", "--bcd\n")),
    "outer boundary is a prefix of the inner": _head(
        "multipart/mixed; boundary=abc",
        "--abc\nContent-Type: multipart/alternative; boundary=abcd\n\n--abcd\n\none\n--abcd\n\ntwo\n--abcd--\n"
        "--abc\n\nthree\n--abc--\n",
    ),
    "inner boundary is a prefix of the outer": _head(
        "multipart/mixed; boundary=abcd",
        "--abcd\nContent-Type: multipart/alternative; boundary=abc\n\n--abc\n\none\n--abc--\n--abcd\n\ntwo\n--abcd--\n",
    ),
    "inner and outer boundary are the same": _head(
        "multipart/mixed; boundary=b",
        "--b\nContent-Type: multipart/alternative; boundary=b\n\n--b\n\none\n--b--\n--b\n\ntwo\n--b--\n",
    ),
    "inner terminator missing": _head(
        "multipart/mixed; boundary=o",
        "--o\nContent-Type: multipart/alternative; boundary=i\n\n--i\n\none\n--o\n\ntwo\n--o--\n",
    ),
    "boundary parameter twice": _head("multipart/mixed; boundary=b; boundary=c", _TWO),
    "content type twice": b"Content-Type: text/html\r\nContent-Type: text/plain\r\n\r\nbody\r\n",
    "quoted boundary with specials": _head(
        'multipart/mixed; boundary="=_a b:(c)"', "--=_a b:(c)\n\none\n--=_a b:(c)--\n"
    ),
    "single quotes are no quotes": _head("multipart/mixed; boundary='b'", "--'b'\n\none\n--'b'--\n"),
    "comments in the content type": _head("text/plain (plain) ; (a (nested) one) charset=utf-8 (yes)", "body\n"),
    "parameter without value": _head("text/plain; charset; format=flowed", "body\n"),
    "parameter with empty value": _head('text/plain; charset=""; name=', "body\n"),
    "semicolon at the end": _head("text/plain; charset=utf-8;", "body\n"),
    "parameters by white space": _head("text/plain charset=utf-8", "body\n"),
    "type without subtype": _head("text", "body\n"),
    "type that is nonsense": _head("/;;=", "body\n"),
    "empty content type": _head("", "body\n"),
    "8-bit file name": _head('application/pdf; name="\xdcbersicht.pdf"', "body\n"),
    "RFC 2231 parameter": _head("application/pdf; name*=iso-8859-1'de'%DCbersicht.pdf", "body\n"),
    "RFC 2231 continuations out of order": _head('application/pdf; name*1="b.pdf"; name*0="a"', "body\n"),
    "RFC 2231 mixed continuations": _head("application/pdf; name*0*=utf-8''%C3%9C; name*1=\"b%.pdf\"", "body\n"),
    "quotes and backslashes in a parameter": _head(r'application/pdf; name="a\"b\\c.pdf"', "body\n"),
    "unknown transfer encoding": _head("text/plain\nContent-Transfer-Encoding: x-uuencode", "body\n"),
    "transfer encoding with a comment": _head(
        "text/plain\nContent-Transfer-Encoding: (old) base64 (new)", "Ym9keQ==\n"
    ),
    "empty transfer encoding": _head("text/plain\nContent-Transfer-Encoding:", "body\n"),
    "disposition without parameters": _head("text/plain\nContent-Disposition: attachment", "body\n"),
    "empty disposition": _head("text/plain\nContent-Disposition:", "body\n"),
    "languages": _head("text/plain\nContent-Language: en, fr-CA , x-klingon", "body\n"),
    "location, id, md5, description": _head(
        "text/plain\nContent-Location: http://example.org/\n a\nContent-ID: <x@y>\nContent-MD5: abc=\n"
        "Content-Description: d",
        "body\n",
    ),
    "message in a message": _head("message/rfc822", "Subject: inner\nFrom: i@example.org\n\nbody\n"),
    "message in base64": _head(
        "message/rfc822\nContent-Transfer-Encoding: base64",
        base64.encodebytes(b"Subject: inner\r\n\r\nbody\r\n").decode(),
    ),
    "empty message in a message": _head("message/rfc822"),
    "message/rfc822 without body, in a multipart": _head(
        "multipart/mixed; boundary=b", "--b\nContent-Type: message/rfc822\n\n--b--\n"
    ),
    "message/rfc822 cut by a boundary in its header": _head(
        "multipart/mixed; boundary=b", "--b\nContent-Type: message/rfc822\n\nSubject: x\n--b--\n"
    ),
    "multipart message in a multipart": _head(
        "multipart/mixed; boundary=o",
        "--o\nContent-Type: message/rfc822\n\nSubject: x\nContent-Type: multipart/mixed; boundary=b\n\n"
        + _TWO
        + "\n--o--\n",
    ),
    "digest": _head(
        "multipart/digest; boundary=b",
        "--b\n\nSubject: one\n\nbody\n--b\nContent-Type: text/plain\n\ntwo\n--b\n\nSubject: three\n\n--b--\n",
    ),
    "message/external-body": _head("message/external-body; access-type=URL", "Content-Type: image/gif\n\n"),
    "message/global": _head("message/global", "Subject: x\n\nbody\n"),
    "message/delivery-status": _head("message/delivery-status", "Action: failed\n"),
    "type in capitals": _head("TEXT/HTML; CHARSET=UTF-8", "body\n"),
    "no MIME version": b"Content-Type: text/html\r\n\r\nbody\r\n",
    "transfer encoding alone": b"Content-Transfer-Encoding: base64\r\n\r\nYm9keQ==\r\n",
    "bare line feeds": _head("multipart/mixed; boundary=b", _TWO).replace(b"\r\n", b"\n"),
    "mixed line ends": _head("multipart/mixed; boundary=b", _TWO).replace(b"\r\n", b"\n", 4),
    "bare carriage returns": b"Subject: one\rtwo\r\n\r\nbody\rmore\r\n",
    "NUL in header and body": b"Subject: a\x00b\r\nFrom: a\x00 <x@example.org>\r\n\r\nbo\x00dy\r\n",
    "raw 8-bit header": b"Subject: caf\xe9\r\nFrom: \xdc <u@example.org>\r\n\r\nbody\r\n",
    "UTF-8 header": "Subject: Übersicht\r\nFrom: Zoë <zoë@bücher.example>\r\n\r\nbody\r\n".encode(),
    "encoded word with a line break inside": b"Subject: =?utf-8?q?a=0D=0ABcc:_x?=\r\n\r\nbody\r\n",
    "long subject": b"Subject: " + b"word " * 4000 + b"\r\n\r\nbody\r\n",
    "empty envelope fields": b"From:\r\nTo: \r\nSubject:\r\nDate:\r\nMessage-ID:\r\nSender: \r\n\r\nbody\r\n",
    "fields twice": b"Subject: one\r\nSubject: two\r\nTo: a@x.example\r\nTo: b@x.example\r\n"
    b"Message-ID: <1@x>\r\nMessage-ID: <2@x>\r\n\r\n",
    "sender and reply-to": b"From: a@x.example\r\nSender: s@x.example\r\nReply-To: r@x.example\r\n\r\n",
    "deep nest": nested(60),
    "deep messages": nested_messages(60),
}

ADDRESSES: Final[dict[str, bytes]] = {
    "bare": b"ann@example.org",
    "angle": b"<ann@example.org>",
    "name": b"Ann Lee <ann@example.org>",
    "quoted name": b'"Lee, Ann" <ann@example.org>',
    "quoted name with escapes": rb'"A \"B\" \\ C" <ann@example.org>',
    "name with dots": b"Ann B. Lee <ann@example.org>",
    "name of several words and quotes": b'Ann "B C" Lee <ann@example.org>',
    "name with extra space": b"Ann   B\t Lee  <ann@example.org>",
    "comment as name": b"ann@example.org (Ann Lee)",
    "nested comment": b"ann@example.org (Ann (the) Lee)",
    "comment before angle": b"Ann (x) Lee <ann@example.org>",
    "comment everywhere": b"(a) Ann (b) <(c)ann(d)@(e)example.org(f)>(g)",
    "several": b"a@x.example, B <b@x.example>,\r\n c@x.example (C)",
    "empty elements": b",, a@x.example,, ,b@x.example,",
    "group": b"Team: a@x.example, B <b@x.example>;",
    "empty group": b"undisclosed-recipients:;",
    "group among others": b"a@x.example, Team: b@x.example;, c@x.example",
    "quoted group name": b'"The: Team": a@x.example;',
    "group without end": b"Team: a@x.example",
    "route": b"Ann <@a.example,@b.example:ann@example.org>",
    "domain literal": b"ann@[192.0.2.1], Bob <bob@[IPv6:2001:db8::1]>",
    "quoted local part": b'"ann lee"@example.org, X <"a@b"@example.org>',
    "obsolete local part": b"ann . lee @ example . org",
    "no domain": b"ann, Bob <bob>",
    "no local part": b"<@example.org>",
    "empty angle": b"<>",
    "name and empty angle": b"MAILER-DAEMON <>",
    "words only": b"undisclosed recipients",
    "encoded word": b"=?utf-8?q?Zo=C3=AB_Gr=C3=BCn?= <zoe@example.org>",
    "two encoded words": b"=?utf-8?q?Zo=C3=AB?=\r\n =?utf-8?q?_Gr=C3=BCn?= <zoe@example.org>",
    "8-bit name": b"Zo\xeb <zoe@example.org>",
    "8-bit address": "zoë@bücher.example".encode(),
    "unclosed quote": b'"Ann <ann@example.org>',
    "unclosed angle": b"Ann <ann@example.org",
    "unclosed comment": b"ann@example.org (Ann",
    "two at signs": b"ann@lee@example.org",
    "name with at sign": b"ann@x.example <ann@example.org>",
    "semicolons as commas": b"a@x.example; b@x.example",
    "trailing junk": b"<ann@example.org> junk",
    "empty name": b'"" <ann@example.org>',
    "apostrophes": b"O'Neil <o'neil@example.org>",
    "folded": b"Ann\r\n Lee\r\n <ann@example.org>",
    "backslash outside quotes": rb"Ann\Lee <ann@example.org>",
}
ODD.update({f"addresses: {name}": b"From: " + value + b"\r\n\r\n" for name, value in ADDRESSES.items()})
