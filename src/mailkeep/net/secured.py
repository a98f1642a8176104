"""What TLS proves of a connection: which one it is, and who the client is."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from mailkeep.service.authentication import CLEAR, Secured


class ServerContext(ssl.SSLContext):
    """A context that knows the certificate it shows: `ssl` does not tell it of a connection.

    Attributes: `end_point`, its hash for "tls-server-end-point" (RFC 5929 §4.1), b"" where that is not defined.
    """

    end_point: bytes = b""


def secured_by(tls: ssl.SSLObject | None) -> Secured:
    """Of a connection with this TLS, None for one in the clear."""
    if tls is None:
        return CLEAR
    return Secured(bindings=dict(_bindings(tls)), certificate=tls.getpeercert(binary_form=True))


def _bindings(tls: ssl.SSLObject) -> Iterator[tuple[str, bytes]]:
    if "tls-exporter" in ssl.CHANNEL_BINDING_TYPES:  # RFC 9266; not before Python has it
        exported = tls.get_channel_binding("tls-exporter")
        if exported:
            yield "tls-exporter", exported
    context = tls.context
    if isinstance(context, ServerContext) and context.end_point:
        yield "tls-server-end-point", context.end_point
