"""How much TLS a host must have, what came of it, and the contexts for it."""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final

from mailkeep.figures import Figure


class Way(Enum):
    """One way of talking to a host, the strictest first."""

    DANE = "dane"  # its key is one that DNS names (RFC 7672)
    PKIX = "pkix"  # an authority that we trust says that it has its name
    ENCRYPTED = "encrypted"  # whoever it is
    CLEAR = "clear"


class Kind(Enum):
    """What says how much TLS there must be: the ``policy-type`` of RFC 8460 §4.4."""

    TLSA = "tlsa"
    STS = "sts"
    NONE = "no-policy-found"


class TlsResult(Enum):
    """What came of TLS with a host: the ``result-type`` of RFC 8460 §4.3."""

    SUCCESSFUL = "successful"
    NOT_OFFERED = "starttls-not-supported"
    HOST_MISMATCH = "certificate-host-mismatch"
    EXPIRED = "certificate-expired"
    NOT_TRUSTED = "certificate-not-trusted"
    VALIDATION = "validation-failure"
    TLSA_INVALID = "tlsa-invalid"
    DNSSEC_INVALID = "dnssec-invalid"
    DANE_REQUIRED = "dane-required"
    STS_FETCH = "sts-policy-fetch-error"
    STS_INVALID = "sts-policy-invalid"
    STS_WEBPKI = "sts-webpki-invalid"


class TlsFailed(Exception):
    """The host does not have the TLS that is asked for; the text says why."""

    def __init__(self, result: TlsResult, text: str) -> None:
        super().__init__(text)
        self.result = result


# X509_V_ERR_* of OpenSSL, which ssl tells as a number.
_RESULTS: Final = {
    10: TlsResult.EXPIRED,
    18: TlsResult.NOT_TRUSTED,  # self-signed
    19: TlsResult.NOT_TRUSTED,  # self-signed in the chain
    20: TlsResult.NOT_TRUSTED,  # its issuer is not known
    21: TlsResult.NOT_TRUSTED,  # the chain cannot be built
    62: TlsResult.HOST_MISMATCH,
    64: TlsResult.HOST_MISMATCH,  # an address
}


def failed(error: ssl.SSLError) -> TlsFailed:
    """What an error of the handshake means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        result = _RESULTS.get(error.verify_code, TlsResult.VALIDATION)
        return TlsFailed(result, f"its certificate cannot be verified: {error.verify_message}")
    return TlsFailed(TlsResult.VALIDATION, f"TLS could not be negotiated: {error.reason or error}")


@dataclass(slots=True)
class TlsResults:
    """Counts what came of TLS, by what asked for it."""

    counts: Counter[tuple[Kind, TlsResult]] = field(default_factory=Counter)

    def count(self, kind: Kind, result: TlsResult) -> None:
        """One session more."""
        self.counts[kind, result] += 1

    def figures(self) -> Iterator[Figure]:
        """For the table of figures."""
        for (kind, result), number in self.counts.items():
            yield "outbound_tls_sessions", (kind.value, result.value), number


class Contexts:
    """The TLS contexts for connections to other servers, made once.

    `authorities`: a PEM file of the certificates that are trusted, None for those that the system trusts.
    Raises: OSError (the file cannot be read), ssl.SSLError (it holds no certificate).
    """

    def __init__(self, authorities: Path | None = None) -> None:
        self.verified: Final = ssl.create_default_context(cafile=authorities)
        self._by_dane: Final = _unverified()
        self._opportunistic: Final = _unverified()
        # A short key is better than none at all, which it would be otherwise (RFC 7435 §3).
        self._opportunistic.set_ciphers("DEFAULT:@SECLEVEL=0")
        self.verified.minimum_version = ssl.TLSVersion.TLSv1_2

    def of(self, way: Way) -> ssl.SSLContext:
        """The one for a way.  With DANE the chain is checked after the handshake, against what DNS says."""
        match way:
            case Way.PKIX:
                return self.verified
            case Way.DANE:
                return self._by_dane
            case Way.ENCRYPTED | Way.CLEAR:
                return self._opportunistic


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
