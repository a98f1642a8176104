"""The first message of a TLS client."""

import contextlib
import ssl

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailkeep.acme.hello import Hello, parse_hello


def hello_of(name: str | None, protocols: list[str]) -> bytes:
    """As Python's `ssl` says it, without the header of the record."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(protocols)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()[5:]


WHOLE = hello_of("mail.example.org", ["acme-tls/1"])


@pytest.mark.rfc("8737", "3")
def test_the_name_and_the_protocols_are_told() -> None:
    assert parse_hello(WHOLE) == Hello("mail.example.org", (b"acme-tls/1",))
    assert parse_hello(hello_of("MAIL.example.org", ["h2", "http/1.1"])) == Hello(
        "mail.example.org", (b"h2", b"http/1.1")
    )


def test_a_client_may_ask_for_no_host_and_no_protocol() -> None:
    assert parse_hello(hello_of(None, [])) == Hello("", ())


def test_a_message_that_is_cut_off_anywhere_is_refused() -> None:
    for size in range(len(WHOLE)):
        with pytest.raises(ValueError, match="cut off"):
            parse_hello(WHOLE[:size])


def test_another_message_is_refused() -> None:
    with pytest.raises(ValueError, match="another message"):
        parse_hello(b"\x02" + WHOLE[1:])


@given(st.binary(max_size=600), st.integers(0, len(WHOLE)), st.integers(0, len(WHOLE)))
@example(b"\xff" * 10, 0, 0)
def test_any_octets_are_a_hello_or_a_value_error(octets: bytes, begin: int, end: int) -> None:
    for message in (octets, WHOLE[:begin] + octets + WHOLE[end:]):
        with contextlib.suppress(ValueError):
            assert isinstance(parse_hello(message), Hello)
