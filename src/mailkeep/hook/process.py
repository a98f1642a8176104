"""The process of a hook: ``python -m mailkeep.hook.process FILE SECONDS DESCRIPTOR FUNCTION``.

It ends when the server's end of the socket closes, or when a question has taken longer than the server would wait.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from mailkeep.hook import Action, Decision, Login, Message
from mailkeep.hook.frames import LENGTH, MAX_SAID, Ask, AskLogin, Said, SaidLogin, encode

GRACE_S: Final = 5  # the server kills first, if it lives

Function = Callable[[Any], Any]


def main() -> None:
    """Answer until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server
    with suppress(OSError):
        os.dup2(2, 1)  # what a hook prints goes where the server's log goes
    path, patience_s, name = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[4]
    answer, fault = (_on_login, SaidLogin) if name == "on_login" else (_on_delivery, Said)
    with socket.socket(fileno=int(sys.argv[3])) as server:
        function: Function | None = None
        while (question := _receive(server)) is not None:
            signal.alarm(patience_s + GRACE_S)
            try:
                function = function or _load(path, name)
                said = answer(function, question)
            except Exception as error:  # noqa: BLE001  the hook's own mistakes, whatever they are
                said = fault(fault=_where(error, path))
            signal.alarm(0)
            server.sendall(_frame(said))


def _on_delivery(function: Function, question: bytes) -> Said:
    return _say(function(_message(msgspec.msgpack.decode(question, type=Ask))))


def _on_login(function: Function, question: bytes) -> SaidLogin:
    ask = msgspec.msgpack.decode(question, type=AskLogin)
    address = function(Login(user=ask.user, password=ask.password, service=ask.service, peer=ask.peer))
    if address is None or isinstance(address, str):
        return SaidLogin(address)
    return SaidLogin(fault=f"on_login returned {type(address).__name__}, neither text nor None")


def _receive(server: socket.socket) -> bytes | None:
    try:
        (size,) = LENGTH.unpack(_exactly(server, LENGTH.size))
        return _exactly(server, size)
    except (EOFError, OSError):
        return None


def _exactly(server: socket.socket, size: int) -> bytes:
    octets = bytearray()
    while len(octets) < size:
        piece = server.recv(min(size - len(octets), 1 << 18))
        if not piece:
            raise EOFError
        octets += piece
    return bytes(octets)


def _load(path: Path, name: str) -> Function:
    """A function of the file; what lies beside it can be imported."""
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location("mailkeep_hook", path)
    if spec is None or spec.loader is None:
        raise ImportError("the hook is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    function: Function = getattr(module, name)
    return function


def _message(ask: Ask) -> Message:
    return Message(
        peer=ask.peer,
        peer_name=ask.peer_name,
        helo=ask.helo,
        tls=ask.tls,
        sender=ask.sender,
        recipients=ask.recipients,
        size=ask.size,
        fields=ask.fields,
        data=ask.data,
        path=None if ask.path is None else Path(ask.path),
    )


def _say(decision: object) -> Said:
    if decision is None:
        return Said()
    if not isinstance(decision, Decision):
        return Said(fault=f"on_delivery returned {type(decision).__name__}, neither a Decision nor None")
    headers = tuple((str(name), str(value)) for name, value in decision.headers)
    return Said(Action(decision.action).value, str(decision.text), headers)


def _frame(said: Said | SaidLogin) -> bytes:
    try:
        frame = encode(said)
    except UnicodeEncodeError:
        return encode(type(said)(fault="the answer has text that is no Unicode"))
    return frame if len(frame) <= MAX_SAID else encode(type(said)(fault="the answer is too long"))


def _where(error: Exception, path: Path) -> str:
    """What went wrong, and on which line; not the error's text, which may hold content of mail."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    at = f" in line {lines[-1]}" if lines else ""
    return f"{type(error).__name__}{at}"


if __name__ == "__main__":
    main()
