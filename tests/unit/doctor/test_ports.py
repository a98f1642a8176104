import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mailkeep.config import Address
from mailkeep.doctor import Level
from mailkeep.doctor.holder import find_holder
from mailkeep.doctor.ports import (
    PROXY_LINE,
    Place,
    ask,
    ask_all,
    check_free,
    check_reach,
    check_running,
    check_standard,
)


@contextmanager
def greets(greeting: bytes, host: str = "127.0.0.1") -> Iterator[int]:
    """A port at which every client is told `greeting`, and then goodbye."""
    with socket.create_server((host, 0)) as server:

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    client.sendall(greeting)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def place(name: str, port: int, host: str = "127.0.0.1") -> Place:
    return Place(name, Address(host, port))


@pytest.mark.parametrize(
    ("name", "greeting", "fault"),
    [
        ("imap", b"* OK ready\r\n", ""),
        ("pop3", b"+OK ready\r\n", ""),
        ("smtp", b"220 mx.example.org\r\n", ""),
        ("http", b"", ""),
        ("imap", b"220 mx.example.org ESMTP\r\n", 'it greets with "220 mx.example.org ESMTP"'),
        ("imap", b"", "the connection is closed without a greeting"),
        ("a listener of tomorrow", b"", ""),
    ],
)
def test_a_port_answers_as_its_protocol_greets(name: str, greeting: bytes, fault: str) -> None:
    with greets(greeting) as port:
        assert ask(place(name, port), "127.0.0.1").fault == fault


def test_a_port_that_should_speak_tls_and_does_not_is_a_fault() -> None:
    with greets(b"* OK in the clear\r\n") as port:
        assert "SSL" in ask(place("imaps", port), "127.0.0.1").fault.upper()


def test_where_proxies_connect_it_is_said_that_there_is_no_client() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        heard: list[bytes] = []

        def serve() -> None:
            client, _ = server.accept()
            with client:
                heard.append(client.recv(100))
                client.sendall(b"* OK\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        there = Place("imap", Address("127.0.0.1", server.getsockname()[1]), proxied=True)
        assert ask(there, "127.0.0.1").fault == ""
        thread.join()
    assert heard == [PROXY_LINE]


def test_of_a_running_server_each_port_must_answer() -> None:
    with greets(b"* OK\r\n") as port:
        places = (place("imap", port, "*"), place("smtp", port), place("submission", 1))
        found = list(check_running(places, ask_all(places), "kill -HUP 1"))
    assert [finding.level for finding in found] == [Level.GOOD, Level.FAULT, Level.FAULT]
    assert "kill -HUP 1" in found[2].todo


def test_without_a_server_a_port_is_free_or_it_is_told_who_has_it() -> None:
    with greets(b"") as port, socket.create_server(("127.0.0.1", 0)) as freed:
        free = freed.getsockname()[1]
        freed.close()
        found = list(check_free((place("imap", port), place("smtp", free), place("imaps", 40993, "192.0.2.1"))))
        holder = find_holder(port)
    assert [finding.level for finding in found] == [Level.FAULT, Level.GOOD, Level.FAULT]
    assert holder is not None
    assert holder.pid == os.getpid()
    assert found[0].text == f"{holder} listens there"
    assert found[0].todo.startswith(f"stop it ({holder.farewell})")
    assert (found[2].text, found[2].todo) == (
        "192.0.2.1 is no address of this machine",
        'set listen.imaps to "*:40993"',
    )


def test_nobody_holds_a_port_that_is_free() -> None:
    assert find_holder(1) is None


def test_other_ports_than_the_standard_ones_and_loopback_get_advice() -> None:
    places = (
        place("smtp", 10025, "*"),
        place("imaps", 993, "127.0.0.1"),
        place("imap", 10143, "*"),
        place("pop3", 10110, "127.0.0.1"),
        place("https", 443, "*"),
        place("lmtp", 24, "127.0.0.1"),
    )
    found = [(finding.subject, finding.text) for finding in check_standard(places)]
    assert found == [
        ("mail servers", "know port 25 alone, not that of smtp"),
        ("clients", "look at standard ports, not at those of imap, pop3"),
        ("loopback", "nobody but this machine reaches imaps"),
    ]


def test_the_addresses_of_its_name_must_lead_to_the_server() -> None:
    with greets(b"* OK\r\n") as port:
        places = (place("imap", port, "*"),)
        good, bad = check_reach("mail.example.org", ["127.0.0.1", "127.0.0.2"], (*places, place("lmtp", 1)))
        assert (good.level, bad.level) == (Level.GOOD, Level.FAULT)
        assert bad.text.startswith("not reached: imap Connection refused")
        assert "firewall" in bad.todo
        assert list(check_reach("mail.example.org", ["127.0.0.1"], (place("imap", port),))) == []
