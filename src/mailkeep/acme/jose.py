"""The key of an ACME account, and what is signed with it: flattened JSON of RFC 7515, as RFC 8555 §6.2 wants it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

from joserfc import jws
from joserfc.jwk import ECKey, OctKey

_REGISTRY: Final = jws.JWSRegistry(algorithms=["ES256", "HS256"], strict_check_header=False)  # "nonce" and "url"


class AccountKey:
    """Whoever holds it is the account.  A key of the curve P-256: it signs within 0.1 ms."""

    __slots__ = ("_key",)

    def __init__(self, key: ECKey) -> None:
        self._key = key

    @classmethod
    def make(cls) -> AccountKey:
        """A new one."""
        return cls(ECKey.generate_key("P-256"))

    @classmethod
    def load(cls, pem: bytes) -> AccountKey:
        """Raises: ValueError (it is no such key)."""
        key = ECKey.import_key(pem)
        if not key.is_private or key.curve_name != "P-256":
            raise ValueError("not a private key of the curve P-256")
        return cls(key)

    def pem(self) -> bytes:
        """For a file that nobody else may read."""
        return self._key.as_pem(private=True)

    def sign(self, payload: object, *, url: str, nonce: str, account: str | None) -> bytes:
        """A request to `url`; `payload` None is POST-as-GET (§6.3).  Without `account` it is signed by the bare key."""
        who: Mapping[str, Any] = {"kid": account} if account else {"jwk": self._key.as_dict(private=False)}
        header = {"alg": "ES256", **who, "nonce": nonce, "url": url}
        octets = b"" if payload is None else json.dumps(payload).encode()
        return json.dumps(jws.serialize_json({"protected": header}, octets, self._key, registry=_REGISTRY)).encode()

    def authorize(self, token: str) -> str:
        """The key authorization of a challenge (§8.1)."""
        return f"{token}.{self._key.thumbprint()}"

    def bind(self, *, key_id: str, secret: bytes, url: str) -> dict[str, Any]:
        """Proof that this key belongs to an account that the authority knows by other means (§7.3.4)."""
        header = {"alg": "HS256", "kid": key_id, "url": url}
        public = json.dumps(self._key.as_dict(private=False)).encode()
        signed = jws.serialize_json({"protected": header}, public, OctKey.import_key(secret), registry=_REGISTRY)
        return dict(signed)


def decode_secret(text: str) -> bytes:
    """An HMAC key as authorities hand it out: base64url.  Raises: ValueError."""
    stripped = text.strip().rstrip("=")
    return base64.b64decode(stripped + "=" * (-len(stripped) % 4), altchars=b"-_", validate=True)
