"""A raw POP3 client for tests: sends exactly what it is told, and reads answers octet by octet."""

from __future__ import annotations

import socket
import ssl
from base64 import b64encode
from types import TracebackType
from typing import Self

DEADLINE_S = 15.0


class Pop3:
    """One connection, over TLS from the first octet where `tls` is given."""

    def __init__(self, where: tuple[str, int], tls: ssl.SSLContext | None = None) -> None:
        self.socket: socket.socket = socket.create_connection(where, timeout=DEADLINE_S)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.file = self.socket.makefile("rb")
        self.greeting = self.line()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Cut the connection, without QUIT."""
        self.file.close()
        self.socket.close()

    def stls(self, context: ssl.SSLContext) -> None:
        """STLS, and shake hands."""
        assert self.say("STLS").startswith("+OK")
        self.file.close()
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.file = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        """Octets as they are."""
        self.socket.sendall(data)

    def line(self) -> str:
        """The next line, "" at the end of the connection."""
        octets = self.file.readline()
        assert not octets or octets.endswith(b"\r\n"), octets
        assert len(octets) <= 512
        return octets[:-2].decode()

    def say(self, command: str | bytes) -> str:
        """A command; gives the first line of the answer."""
        self.send((command.encode() if isinstance(command, str) else command) + b"\r\n")
        return self.line()

    def ok(self, command: str) -> str:
        """A command that succeeds; gives what follows +OK."""
        answer = self.say(command)
        assert answer.startswith("+OK"), answer
        return answer[4:]

    def refused(self, command: str | bytes) -> str:
        """A command that fails; gives what follows -ERR."""
        answer = self.say(command)
        assert answer.startswith("-ERR"), answer
        return answer[5:]

    def rest(self) -> bytes:
        """What follows the first line of an answer of several lines, dots unstuffed; lines end with CRLF."""
        out: list[bytes] = []
        at_start = True
        while True:
            line = self.file.readline()
            assert line
            if at_start and line == b".\r\n":
                return b"".join(out)
            out.append(line[1:] if line.startswith(b".") else line)
            at_start = line.endswith(b"\r\n")

    def lines(self, command: str) -> list[str]:
        """A command that is answered by several lines; gives them."""
        self.ok(command)
        return self.rest().decode().split("\r\n")[:-1]

    def message(self, command: str) -> bytes:
        """RETR or TOP; gives the octets."""
        self.ok(command)
        return self.rest()

    def log_in(self, user: str, password: str) -> str:
        """USER and PASS; gives the answer to PASS."""
        self.ok(f"USER {user}")
        return self.say(f"PASS {password}")

    def auth(self, mechanism: str, *responses: bytes) -> str:
        """AUTH, each challenge answered with the next response; gives the last line."""
        answer = self.say(f"AUTH {mechanism}")
        for response in responses:
            assert answer.startswith("+ "), answer
            answer = self.say(b64encode(response))
        return answer

    def is_closed(self) -> bool:
        """Whether the server has closed the connection; waits for it."""
        return self.file.readline() == b""
