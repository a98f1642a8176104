"""Proving to a smarthost who we are (RFC 4954, client side): SCRAM-SHA-256, PLAIN and LOGIN, the strongest it has."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Collection, Generator
from dataclasses import dataclass, field
from typing import Final, NoReturn

from mailkeep.smtp.wire.answer import Answer

MAX_ROUNDS: Final = 1_000_000  # a server must not be able to keep us busy: about half a second

Command = Callable[[str], Awaitable[Answer]]
Fail = Callable[[str, Answer], NoReturn]
Exchange = Generator[bytes, bytes, None]


@dataclass(frozen=True, slots=True)
class Login:
    """A name and its password."""

    user: str
    password: str = field(repr=False)


class NotTheServer(Exception):
    """The other side cannot be the server that knows the password, or does not follow SCRAM."""


async def log_in(command: Command, mechanisms: Collection[str], login: Login, fail: Fail) -> None:
    """Log in; `fail` is called with the answer if that cannot be done, for which it raises.

    It is always a passing fault: mail must not bounce because a password was changed.
    """
    if "SCRAM-SHA-256" in mechanisms:
        answer = await _scram(command, login)
    elif "PLAIN" in mechanisms:
        answer = await command("AUTH PLAIN " + _encode(f"\0{login.user}\0{login.password}".encode()))
    elif "LOGIN" in mechanisms:
        answer = await _in_turn(command, "AUTH LOGIN", (login.user.encode(), login.password.encode()))
    else:
        answer = Answer(504, "5.5.4", ("offers no way to log in that we know",))
    if answer.code != 235:
        fail("4.7.8", answer)


async def _in_turn(command: Command, begin: str, responses: tuple[bytes, ...]) -> Answer:
    answer = await command(begin)
    for response in responses:
        if answer.code != 334:
            return answer
        answer = await command(_encode(response))
    return answer


async def _scram(command: Command, login: Login) -> Answer:
    """RFC 5802 §3 with SHA-256 (RFC 7677): the password does not go over the wire, and the server proves itself too."""
    exchange = scram_sha_256(login, secrets.token_urlsafe(24))
    said = next(exchange)
    answer = await command("AUTH SCRAM-SHA-256 " + _encode(said))
    try:
        while answer.code == 334:
            said = exchange.send(_decode(answer.text))
            answer = await command(_encode(said))
    except NotTheServer as error:
        await command("*")
        return Answer(535, "5.7.8", (str(error),))
    except StopIteration:
        return Answer(535, "5.7.8", ("goes on after the end of SCRAM",))
    if answer.code == 235 and said:  # the last thing that a client says is nothing, to a server that has proven itself
        return Answer(535, "5.7.8", ("has not proven that it knows the password",))
    return answer


def scram_sha_256(login: Login, nonce: str) -> Exchange:
    """The client's messages; each is answered by sending the server's.  Raises: NotTheServer."""
    user = login.user.replace("=", "=3D").replace(",", "=2C")
    first = f"n={user},r={nonce}"
    challenge = yield f"n,,{first}".encode()
    values = _attributes(challenge)
    try:
        both, salt, rounds = values["r"], base64.b64decode(values["s"], validate=True), int(values["i"])
    except (KeyError, ValueError) as error:
        raise NotTheServer("does not follow SCRAM") from error
    if not both.startswith(nonce) or both == nonce or not 1 <= rounds <= MAX_ROUNDS:
        raise NotTheServer("does not follow SCRAM")
    salted = hashlib.pbkdf2_hmac("sha256", login.password.encode(), salt, rounds)
    client = hmac.digest(salted, b"Client Key", "sha256")
    bare = f"c=biws,r={both}"
    said = f"{first},{challenge.decode()},{bare}".encode()
    signature = hmac.digest(hashlib.sha256(client).digest(), said, "sha256")
    proof = bytes(a ^ b for a, b in zip(client, signature, strict=True))
    final = yield f"{bare},p={_encode(proof)}".encode()
    server = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), said, "sha256")
    if not hmac.compare_digest(_attributes(final).get("v", ""), _encode(server)):
        raise NotTheServer("does not know the password")
    yield b""


def _attributes(message: bytes) -> dict[str, str]:
    try:
        text = message.decode("ascii")
    except UnicodeDecodeError as error:
        raise NotTheServer("does not follow SCRAM") from error
    return {word[:1]: word[2:] for word in text.split(",") if word[1:2] == "="}


def _encode(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise NotTheServer("does not follow SCRAM") from error
