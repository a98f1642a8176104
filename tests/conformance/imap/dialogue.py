r"""Runs IMAP dialogues written in the notation of the RFCs against a server.

A file holds several dialogues; each begins with a heading ``== SECTION #ORDINAL title``.  Its lines:

- ``C: `` and ``S: ``: what the client says, what the server must say; ``C2: ``, ``S2: `` on a second connection, …
- ``M: `` prepares a mailbox: ``M: INBOX 3:5 7(\Seen \Flagged) size=5000``.  Messages get exactly these UIDs (fillers
  are appended and expunged); ``date= size= text= subject= from= message=`` apply to all on the line.  The mailbox is
  made when it is missing.
- ``P: ``: a command that must succeed and whose output does not matter (``P2: `` on connection 2).
- ``N: ``: this connection does not log in by itself, and its greeting is part of the dialogue.
- Indented lines continue the line above.

Connections log in when first used.  A ``C: `` line that ends with a literal's size is followed by the lines of the
literal; ``{}`` and ``{+}`` count it.  Untagged responses before a tagged one may come in any order (EXPUNGEs count by
what they remove); texts after response codes are not compared, nor the order of flags, of STATUS and FETCH items.
Untagged OK, FLAGS and RECENT may come besides, and \Recent among flags.  In ``S: `` lines:

- ``{name}`` captures a value, or must equal it when it was captured before; ``{name>other}`` must be greater too.  In
  ``C: `` lines it inserts the value.  ``{user} {password}``, their sizes ``{user_size} {password_size}`` and
  ``{plain}`` (SASL PLAIN) are the account's.
- ``{*}`` is any one value, ``...`` anything more.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conformance.imap.messages import MESSAGES, simple_message
from tests.imap_client import ImapClient
from tests.imap_grammar import Response, parse
from tests.live import Account, Service

DIALOGUES = Path(__file__).with_name("dialogues")
LINE = re.compile(r"([CSMPNT])([0-9]*):(?: (.*)|)\Z")
VARIABLE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
TOKEN_VARIABLE = re.compile(r"\{(\*|[a-z][a-z0-9_]*)(?:(>=|>)([a-z0-9_]+))?\}")
STATES = ("OK", "NO", "BAD", "BYE", "PREAUTH")
TOLERATED = ("OK", "FLAGS", "RECENT")  # what a server may add to any answer


@dataclass(slots=True)
class Dialogue:
    """One dialogue of a file."""

    rfc: str
    section: str
    ordinals: tuple[int, ...]
    title: str
    lines: list[tuple[str, int, str]] = field(default_factory=list)  # (kind, connection, text)

    @property
    def name(self) -> str:
        """As the index of examples and the test's id spell it."""
        return f"rfc{self.rfc}-{self.section}-{self.ordinals[0]}"


def load(path: Path) -> list[Dialogue]:
    """All dialogues of a file, whose name begins ``rfcNNNN``."""
    found = re.match(r"rfc([0-9]+)", path.name)
    assert found
    out: list[Dialogue] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{path.name}:{number}"
        if line.startswith("=="):
            head = re.match(r"== ([0-9.]+) #([0-9,]+) (.+)", line)
            assert head, f"{where}: not a heading"
            ordinals = tuple(int(n) for n in head[2].split(","))
            out.append(Dialogue(found[1], head[1], ordinals, head[3]))
        elif not line.strip() or line.startswith("#"):
            continue
        elif line.startswith(" "):
            kind, connection, text = out[-1].lines[-1]
            out[-1].lines[-1] = (kind, connection, text + " " + line.strip())
        else:
            step = LINE.match(line)
            assert step, f"{where}: neither C:, S:, M:, P: nor N:"
            out[-1].lines.append((step[1], int(step[2] or 1), step[3] or ""))
    return out


def load_all() -> list[Dialogue]:
    """Every dialogue there is."""
    return [dialogue for path in sorted(DIALOGUES.glob("*.txt")) for dialogue in load(path)]


# ---- what a response means, so that two spellings of one answer are equal


class Rest:
    """``...``"""


REST = Rest()


def tokens(text: str) -> list[Any]:
    """Atoms as str, strings as bytes, lists as list; ``BODY[…]<n>`` is one atom."""
    stack: list[list[Any]] = [[]]
    at = 0
    while at < len(text):
        octet = text[at]
        if octet == " ":
            at += 1
        elif octet == "(":
            stack.append([])
            at += 1
        elif octet == ")":
            done = stack.pop()
            stack[-1].append(done)
            at += 1
        elif octet == '"':
            found = re.compile(r'"((?:[^"\\]|\\.)*)"').match(text, at)
            assert found, text[at:]
            stack[-1].append(re.sub(r"\\(.)", r"\1", found[1]).encode("utf-8"))
            at = found.end()
        elif text.startswith("...", at):
            stack[-1].append(REST)
            at += 3
        elif found := TOKEN_VARIABLE.match(text, at):
            stack[-1].append(found)
            at = found.end()
        elif found := re.compile(r"~?\{([0-9]+)\}\r\n").match(text, at):
            size = int(found[1])
            octets = text[found.end() :].encode("utf-8", "surrogateescape")[:size]
            stack[-1].append(octets)
            at = found.end() + len(octets.decode("utf-8", "surrogateescape"))
        else:
            found = re.compile(r"[^ ()\[\"]*(?:\[[^\]]*\](?:<[0-9]+>)?)?").match(text, at)
            assert found, text[at:]
            assert found.group(), text[at:]
            stack[-1].append(found.group())
            at = found.end()
    assert len(stack) == 1, f"unbalanced: {text}"
    return stack[0]


def pairs(items: list[Any]) -> dict[Any, Any]:
    """Name → value of a flat list; FLAGS become a set."""
    out: dict[Any, Any] = {}
    at = 0
    while at < len(items):
        if items[at] is REST:
            out["..."] = True
            at += 1
            continue
        name = items[at].upper()
        out[name] = ("set", items[at + 1]) if name == "FLAGS" else items[at + 1]
        at += 2
    return out


def meaning(line: str) -> Any:
    """The comparable form of an untagged response, "* " and CRLF taken off."""
    found = re.match(r"(OK|NO|BAD|BYE|PREAUTH)(?: \[(.*?)\])?(?: .*)?\Z", line, re.IGNORECASE)
    if found:
        code = found[2].replace("]", "") if found[2] else ""
        listed = tokens(code)
        if listed and isinstance(listed[0], str) and listed[0].upper() in ("PERMANENTFLAGS", "BADCHARSET"):
            listed = [listed[0], ("set", listed[1])] if len(listed) > 1 else listed
        if listed and isinstance(listed[0], str) and listed[0].upper() == "CAPABILITY":
            listed = ["CAPABILITY", ("set", listed[1:])]
        return [found[1].upper(), listed]
    parts = tokens(line)
    word = parts[0].upper() if isinstance(parts[0], str) else parts[0]
    if isinstance(word, str) and not word.isdigit():
        match word:
            case "LIST" | "LSUB":
                name = parts[3]
                if isinstance(name, str) and name.upper() == "INBOX":
                    name = "INBOX"
                if isinstance(name, bytes) and name.upper() == b"INBOX":
                    name = "INBOX"
                return [word, ("set", parts[1]), parts[2], name, *parts[4:]]
            case "STATUS":
                return [word, parts[1], pairs(parts[2])]
            case "FLAGS" | "CAPABILITY" | "ENABLED":
                return [word, ("set", parts[1] if word == "FLAGS" else parts[1:])]
            case "ESEARCH":
                tag = [p for p in parts[1:2] if isinstance(p, list)]
                rest = parts[1 + len(tag) :]
                uid = "UID" in rest
                return [word, tag, uid, pairs([p for p in rest if p != "UID"])]
        return [word, *parts[1:]]
    if len(parts) > 2 and isinstance(parts[1], str) and parts[1].upper() == "FETCH" and isinstance(parts[2], list):
        return [parts[0], "FETCH", pairs(parts[2])]
    return parts


def numbers(text: str) -> list[int] | None:
    """The members of a sequence set, if `text` is one."""
    if not re.fullmatch(r"[0-9]+(?::[0-9]+)?(?:,[0-9]+(?::[0-9]+)?)*", text) or text.isdigit():
        return None
    out: list[int] = []
    for piece in text.split(","):
        low, _, high = piece.partition(":")
        out.extend(range(int(low), int(high or low) + 1))
    return out


def originals(expunges: list[int]) -> set[int]:
    """Which messages a series of EXPUNGEs removes, numbered as before the first."""
    left: list[int] = []
    for number in expunges:
        original = number
        for gone in sorted(left):
            if gone <= original:
                original += 1
        left.append(original)
    return set(left)


class Matcher:
    """Compares templates with answers, and keeps the variables."""

    def __init__(self, variables: dict[str, str]) -> None:
        self.variables = variables

    def insert(self, text: str) -> str:
        """A client's line with its variables filled in."""
        return VARIABLE.sub(lambda m: self.variables.get(m[1], m[0]), text)

    def same(self, want: Any, got: Any, new: dict[str, str]) -> bool:
        """Whether `got` fits the template; captures go to `new`."""
        match want:
            case re.Match():
                return self._variable(want, got, new)
            case ("set", listed) if isinstance(got, tuple):
                return self._same_set(listed, got[1], new)
            case list() if isinstance(got, list):
                if want and want[-1] is REST:
                    got = got[: len(want) - 1]
                    want = want[:-1]
                return len(want) == len(got) and all(self.same(w, g, new) for w, g in zip(want, got, strict=True))
            case dict() if isinstance(got, dict):
                more = set(got) - set(want) - {"UID"}
                if more and "..." not in want:
                    return False
                return all(
                    name in got and self.same(value, got[name], new) for name, value in want.items() if name != "..."
                )
            case str() if isinstance(got, str):
                sets = numbers(want), numbers(got)
                if sets[0] is not None or sets[1] is not None:
                    return sets[0] == sets[1]
                return want.upper() == got.upper()
            case str() if isinstance(got, bytes):
                return want != "NIL" and want.encode() == got
            case bytes() if isinstance(got, str):
                return got != "NIL" and got.encode() == want
        return bool(want == got)

    def _same_set(self, want: list[Any], got: list[Any], new: dict[str, str]) -> bool:
        left = list(got)
        for item in want:
            if item is REST:
                continue
            found = next((i for i, other in enumerate(left) if self.same(item, other, new)), None)
            if found is None:
                return False
            del left[found]
        return REST in want or all(item == "\\Recent" for item in left)

    def _variable(self, want: re.Match[str], got: Any, new: dict[str, str]) -> bool:
        name, relation, other = want.groups()
        if name == "*":
            return True
        if not isinstance(got, str):
            if not isinstance(got, bytes):
                return False
            got = got.decode()
        if relation:
            least = int({**self.variables, **new}.get(other, other))
            if not got.isdigit() or int(got) < least or (relation == ">" and int(got) == least):
                return False
        known = {**self.variables, **new}.get(name)
        if known is not None:
            return known == got
        new[name] = got
        return True


# ---- running


class Connection:
    """One connection of a dialogue, with what has come and what is still wanted."""

    def __init__(self, client: ImapClient, matcher: Matcher, *, greeting: bool) -> None:
        self.client = client
        self.matcher = matcher
        self.received: list[Response] = [client.greeting] if greeting else []
        self.wanted: list[str] = []
        self.upgrade = ""

    def want(self, text: str) -> None:
        """One ``S: `` line."""
        if text.startswith("* "):
            self.wanted.append(text[2:])
            return
        if text == "+" or text.startswith("+ "):
            tag = "+"
        else:
            tag, kind, rest = (text + " ").split(" ", 2)
        while True:
            response = self.client.read()
            if response.tag == "*":
                self.received.append(response)
                continue
            break
        assert response.tag == tag, f"wanted {text!r}, came {response.raw!r}; before it {self._came()}"
        if tag != "+":
            want = meaning(f"{kind} {rest}".strip())
            got = meaning(response.raw.decode("utf-8").rstrip("\r\n").partition(" ")[2])
            if not want[1]:
                got[1] = []  # a code that the RFC's example lacks is allowed
            new: dict[str, str] = {}
            assert self.matcher.same(want, got, new), f"wanted {text!r}, came {response.raw!r}"
            self.matcher.variables.update(new)
        self.settle(last=True)

    def settle(self, *, last: bool) -> None:
        """Match what is wanted with what came; unless `last`, wait until all has come."""
        expunges = [int(text.split(" ")[0]) for text in self.wanted if re.fullmatch(r"[0-9]+ EXPUNGE", text)]
        unmatched = [text for text in self.wanted if not re.fullmatch(r"[0-9]+ EXPUNGE", text)]
        while unmatched or len(expunges) > len([r for r in self.received if r.kind == "EXPUNGE"]):
            found = self._find(meaning(unmatched[0])) if unmatched else None
            if found is not None:
                del self.received[found]
                del unmatched[0]
                continue
            missing = unmatched[:1] or [f"{len(expunges)} EXPUNGEs"]
            assert not last, f"did not come: {missing[0]!r}; came {self._came()}"
            response = self.client.read()
            assert response.tag == "*", f"waiting for {missing[0]!r}, came {response.raw!r}"
            self.received.append(response)
        came = [r.number or 0 for r in self.received if r.kind == "EXPUNGE"]
        assert originals(came) == originals(expunges), f"expunged otherwise than {expunges}: {came}"
        more = [r for r in self.received if r.kind not in (*TOLERATED, "EXPUNGE")]
        assert not more, f"came besides: {[r.raw for r in more]}"
        self.wanted = []
        self.received = []

    def _find(self, want: Any) -> int | None:
        """Where what is wanted came; its variables are kept."""
        for i, response in enumerate(self.received):
            new: dict[str, str] = {}
            got = meaning(response.raw.decode("utf-8", "surrogateescape")[2:].removesuffix("\r\n"))
            if want[0] in STATES and not want[1] and got[0] == want[0]:
                return i  # the template names no code
            if self.matcher.same(want, got, new):
                self.matcher.variables.update(new)
                return i
        return None

    def _came(self) -> list[bytes]:
        return [r.raw for r in self.received]


class Runner:
    """Runs one dialogue."""

    def __init__(self, server: Service, account: Account) -> None:
        self.server = server
        self.account = account
        plain = base64.b64encode(f"\0{account.user}\0{account.password}".encode()).decode()
        self.matcher = Matcher(
            {
                "user": account.user,
                "password": account.password,
                "plain": plain,
                "user_size": str(len(account.user)),
                "password_size": str(len(account.password)),
            }
        )
        self.connections: dict[int, Connection] = {}
        self.maker: ImapClient | None = None

    def connection(self, number: int, *, login: bool = True) -> Connection:
        if number not in self.connections:
            client = self.server.connect(self.account if login else None)
            self.connections[number] = Connection(client, self.matcher, greeting=not login)
        return self.connections[number]

    def run(self, dialogue: Dialogue) -> None:
        """Run it.  Raises: AssertionError naming the line that failed."""
        lines = list(dialogue.lines)
        while lines:
            kind, number, text = lines.pop(0)
            try:
                self._step(kind, number, text, lines)
            except AssertionError as error:
                raise AssertionError(f"{dialogue.name}: at {kind}{number}: {text}\n{error}") from error
        for connection in self.connections.values():
            connection.settle(last=False)

    def _step(self, kind: str, number: int, text: str, lines: list[tuple[str, int, str]]) -> None:
        match kind:
            case "N":
                self.connection(number, login=False)
            case "M":
                self.prepare(text)
            case "P":
                self.connection(number).client.ok(self.matcher.insert(text))
            case "C":
                self._say(self.connection(number), number, self.matcher.insert(text), lines)
            case "S":
                connection = self.connection(number)
                connection.want(text)
                if connection.upgrade and text.startswith(f"{connection.upgrade} OK"):
                    connection.client.start_tls(self.server.tls())
                    connection.upgrade = ""

    def _say(self, connection: Connection, number: int, text: str, lines: list[tuple[str, int, str]]) -> None:
        if connection.wanted:
            connection.settle(last=False)
        self._note(connection, text)
        client = connection.client
        while announced := re.search(r"\{([0-9]*)(\+?)\}\Z", text):
            body: list[bytes] = []
            size = int(announced[1]) if announced[1] else -1
            go_on = lines.pop(0)[2] if not announced[2] and lines[0][2].startswith("+") else ""
            refused = not announced[2] and not go_on
            while (
                not refused and lines and lines[0][:2] == ("C", number) and (size < 0 or len(b"\r\n".join(body)) < size)
            ):
                body.append(self.matcher.insert(lines.pop(0)[2]).encode())
            octets = b"\r\n".join(body)
            if size < 0:
                size = len(octets)
            client.send(f"{text[: announced.start()]}{{{size}{announced[2]}}}\r\n".encode())
            if refused:  # the answer comes instead of a continuation
                return
            if go_on:
                connection.want(go_on)
            assert len(octets) >= size, f"a literal of {size} octets has only {len(octets)}"
            client.send(octets[:size])
            text = octets[size:].decode()
        client.send(text.encode() + b"\r\n")

    def _note(self, connection: Connection, text: str) -> None:
        """Tell the client's shadow what the command does."""
        words = text.upper().split(" ")
        client = connection.client
        if len(words) < 2:
            return
        client.running = words[1]
        if words[1] in ("SELECT", "EXAMINE"):
            client.forget()
        elif words[1] == "STARTTLS":
            connection.upgrade = text.split(" ")[0]
        elif words[1:3] == ["ENABLE", "IMAP4REV2"]:
            client.utf8 = True

    # ---- preparing mailboxes

    def prepare(self, text: str) -> None:
        """One ``M: `` line."""
        if self.maker is None:
            self.maker = self.server.connect(self.account)
        maker = self.maker
        words = re.findall(r'"[^"]*"|\S+?\([^)]*\)|[a-z]+="[^"]*"|\S+', text)
        mailbox = words[0].strip('"')
        options: dict[str, str] = {}
        groups: list[tuple[str, str]] = []
        for word in words[1:]:
            option = re.fullmatch(r'([a-z]+)=(?:"([^"]*)"|(.*))', word)
            if option:
                options[option[1]] = option[2] or option[3]
            else:
                group = re.fullmatch(r"([0-9:,]+)(?:\((.*)\))?", word)
                assert group, f"not a group of messages: {word}"
                groups.append((group[1], group[2] or ""))
        if mailbox.upper() != "INBOX":
            maker.command(f'CREATE "{mailbox}"')
        for uids, flags in groups:
            for uid in numbers(uids) or [int(uids)]:
                self._make(maker, mailbox, uid, flags, options)

    def _make(self, maker: ImapClient, mailbox: str, uid: int, flags: str, options: dict[str, str]) -> None:
        _, status = maker.ok(f'STATUS "{mailbox}" (UIDNEXT)').one("STATUS")
        fillers = [maker.append(mailbox, b"Subject: filler\r\n\r\n") for _ in range(uid - status["UIDNEXT"])]
        if fillers:
            maker.ok(f'SELECT "{mailbox}"')
            maker.ok(f"UID STORE {fillers[0]}:{fillers[-1]} +FLAGS.SILENT (\\Deleted)")
            maker.ok(f"UID EXPUNGE {fillers[0]}:{fillers[-1]}")
            maker.ok("UNSELECT")
        if "message" in options:
            octets = MESSAGES[options["message"]]
        else:
            octets = simple_message(
                uid,
                subject=options.get("subject"),
                text=options.get("text"),
                size=int(options.get("size", 0)),
                sender=options.get("from"),
            )
        date = [f'"{options["date"]}"'] if "date" in options else []
        made = maker.append(mailbox, octets, f"({flags})", *date)
        assert made == uid, f"wanted UID {uid}, got {made}"


def check_template(dialogue: Dialogue) -> None:
    """Raises AssertionError if an ``S: `` line is itself not IMAP (where it has no wildcards)."""
    for kind, _, text in dialogue.lines:
        if kind == "S" and not re.search(r"\.\.\.|\{[a-z*]", text):
            if text.startswith("+") and " " not in text:
                text += " go on"
            if re.fullmatch(r"(\S+ )(OK|NO|BAD)(?: \[[^]]*\])?", text):
                text += " text"
            parse(text.encode() + b"\r\n", utf8=True)
