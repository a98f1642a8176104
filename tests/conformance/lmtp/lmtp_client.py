"""A raw LMTP client for tests: sends exactly what it is told, and reads whole replies."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Self

DEADLINE_S = 15.0


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply: its code, and its lines without it."""

    code: int
    lines: tuple[str, ...]

    @property
    def enhanced(self) -> str:
        """The enhanced status code, which every line repeats (RFC 2034)."""
        [code] = {line.split(" ")[0] for line in self.lines}
        return code

    @property
    def codes(self) -> tuple[int, str]:
        """Code and enhanced code."""
        return self.code, self.enhanced


class Lmtp:
    """One connection.  `where` is (host, port), or the path of a unix socket."""

    def __init__(self, where: tuple[str, int] | Path) -> None:
        if isinstance(where, Path):
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(DEADLINE_S)
            self.socket.connect(str(where))
        else:
            self.socket = socket.create_connection(where, timeout=DEADLINE_S)
        self.connected()
        self.file = self.socket.makefile("rb")
        self.greeting = self.reply()

    def connected(self) -> None:
        """The socket is connected, and nothing has been read."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def send(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def reply(self) -> Reply:
        """The next whole reply."""
        code, lines = 0, []
        while True:
            line = self.file.readline().decode("ascii")
            assert line.endswith("\r\n"), f"the connection ended with {line!r}"
            assert not lines or code == int(line[:3]), "a reply has one code"
            code = int(line[:3])
            lines.append(line[4:-2])
            if line[3] == " ":
                return Reply(code, tuple(lines))
            assert line[3] == "-"

    def replies(self, count: int) -> list[tuple[int, str]]:
        """Code and enhanced code of the next replies."""
        return [self.reply().codes for _ in range(count)]

    def say(self, line: str) -> Reply:
        """One command and its reply."""
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def begin(self, *recipients: str, sender: str = "joe@example.com", parameters: str = "") -> None:
        """LHLO, MAIL and RCPT, all accepted."""
        assert self.say("LHLO client.example.com").code == 250
        assert self.say(f"MAIL FROM:<{sender}>{parameters}").codes == (250, "2.1.0")
        for recipient in recipients:
            assert self.say(f"RCPT TO:<{recipient}>").codes == (250, "2.1.5")

    def data(self, message: bytes, recipients: int = 1) -> list[tuple[int, str]]:
        """DATA with a message that ends in CRLF, and the replies for so many recipients."""
        assert self.say("DATA").code == 354
        self.send((b"\r\n" + message).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n")
        return self.replies(recipients)

    def is_closed(self) -> bool:
        """Whether the server has closed the connection, all having been read."""
        return self.file.read(1) == b""
