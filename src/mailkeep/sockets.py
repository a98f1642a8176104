"""Binding: sockets that listen, with errors that say what to do."""

from __future__ import annotations

import errno
import itertools
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mailkeep.config import Address
from mailkeep.net.listener import BACKLOG


class BindError(Exception):
    """A listener cannot have its address; the text says why and what to do."""


def tcp_sockets(address: Address, option: str, processes: int = 1) -> list[list[socket.socket]]:
    """For each process the listening sockets for `address`, one per network address that its host has.

    They are in no event loop yet.  Where port 0 stands for any free port, all of them get the same.  The system deals
    connections out to the processes.  `option` names the setting, for errors.
    Raises: BindError.
    """
    sockets: list[socket.socket] = []
    try:
        for family, host in _addresses(address):
            port = sockets[0].getsockname()[1] if sockets else address.port
            sockets.append(_listen(family, host, port))
        return [sockets] if processes == 1 else _share(sockets, processes)
    except OSError as error:
        for bound in sockets:
            bound.close()
        raise BindError(f"cannot listen on {address} ({option}): {_advice(error, address)}") from error


def _share(alone: list[socket.socket], processes: int) -> list[list[socket.socket]]:
    """Sockets at the addresses of `alone` for several processes.

    The sockets of `alone` have shown that nobody else is there: those that share an address do not mind who shares it.
    """
    places = [(one.family, *one.getsockname()[:2]) for one in alone]
    for one in alone:
        one.close()
    shared: list[list[socket.socket]] = []
    try:
        for _ in range(processes):
            shared.append([])
            for family, host, port in places:
                shared[-1].append(_listen(family, host, port, share=True))
    except OSError:
        for bound in itertools.chain.from_iterable(shared):
            bound.close()
        raise
    return shared


def _addresses(address: Address) -> list[tuple[socket.AddressFamily, str]]:
    if address.host == "*":
        everywhere = [(socket.AF_INET, "0.0.0.0")]  # noqa: S104  the administrator asked for every interface
        return [*everywhere, (socket.AF_INET6, "::")] if _has_ipv6() else everywhere
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, str(where[0])) for family, _, _, _, where in found))


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def _listen(family: int, host: str, port: int, *, share: bool = False) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((host, port))
        bound.listen(BACKLOG)
        bound.setblocking(False)  # noqa: FBT003  the socket module's own signature
    except OSError:
        bound.close()
        raise
    return bound


def _advice(error: OSError, address: Address) -> str:
    if error.errno in (errno.EACCES, errno.EPERM) and address.port < 1024:
        return (
            "ports below 1024 need a right that this user lacks.  Use a higher port, or start mailkeep as root or by a"
            " service manager that grants CAP_NET_BIND_SERVICE, or allow them to everybody with"
            f" `sysctl net.ipv4.ip_unprivileged_port_start={address.port}`"
        )
    if error.errno == errno.EADDRINUSE:
        return "another program listens there; stop it or choose another port"
    return error.strerror or str(error)


@contextmanager
def unix_socket(path: Path) -> Iterator[socket.socket]:
    """A listening unix socket of mode 0600, in the place of whatever a dead server left there; removed at the end.

    The data lock is held: no living server owns the old one.  Raises: BindError.
    """
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        _bind_private(bound, path)
        bound.listen(BACKLOG)
        bound.setblocking(False)  # noqa: FBT003  the socket module's own signature
    except OSError as error:
        bound.close()
        raise BindError(f"cannot listen on {path}: {error.strerror or error}") from error
    try:
        yield bound
    finally:
        bound.close()
        with suppress(OSError):
            path.unlink()


def _bind_private(bound: socket.socket, path: Path) -> None:
    """Bind with mode 0600 from the first moment: nobody else can connect before `listen`, and this is before."""
    with short_path(path) as short:
        bound.bind(short)
    path.chmod(0o600)


@contextmanager
def short_path(path: Path) -> Iterator[str]:
    """A name for `path` that fits a socket address (108 octets), whatever the length of the path."""
    text = os.fspath(path)
    if len(os.fsencode(text)) < 100:
        yield text
        return
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
