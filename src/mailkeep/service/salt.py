"""The salt of all verifiers of an account: SCRAM tells it before it is clear which of its passwords will be proved.

So all have the same, and there is one for accounts that do not exist, too.  It cannot be foretold by others.
"""

from __future__ import annotations

import hmac

from mailkeep.formats.scram import SALT
from mailkeep.model.address import fold


def salt_of(address: str, secret: bytes) -> bytes:
    """`secret` is the directory's; letter case of the address is ignored."""
    return hmac.digest(secret, fold(address).encode(errors="replace"), "sha256")[:SALT]
