"""The listeners of a new server, as its configuration file writes them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mailkeep.config import Listen
from mailkeep.doctor.holder import Holder, find_holder
from mailkeep.doctor.ports import KINDS

HIGH_PORTS: Final = 10000  # added to the standard ports for a user who may not have those
LMTP_PORT: Final = 24
WEB: Final = ("http", "https")  # another web server may keep these, and pass on to ours


@dataclass(frozen=True, slots=True)
class Listener:
    """`holder`: another program that has the port now."""

    name: str
    host: str
    port: int
    holder: Holder | None = None

    @property
    def line(self) -> str:
        """In the table [listen]."""
        return f'{self.name} = "{self.host}:{self.port}"'

    @property
    def warning(self) -> str:
        """What there is to do before the start; "" is nothing."""
        if self.holder is None:
            return ""
        if self.host != "*" and self.name in WEB:
            standard = KINDS[self.name].port
            return f"Port {standard} is that of {self.holder}: have it pass requests on to {self.host}:{self.port}."
        return f"Port {self.port} is taken by {self.holder}.  Before the start: {self.holder.farewell}"


def lay_out(base: int) -> tuple[Listener, ...]:
    """Every listener that there is, at its standard port plus `base`, on all interfaces; LMTP on loopback."""
    return tuple(_places(base))


def _places(base: int) -> Iterator[Listener]:
    for field in dataclasses.fields(Listen):
        kind = KINDS.get(field.name)
        if field.name == "lmtp":
            yield Listener("lmtp", "127.0.0.1", base + LMTP_PORT, find_holder(base + LMTP_PORT))
        elif kind is not None:
            port = base + kind.port
            holder = find_holder(port)
            if holder is not None and field.name in WEB and not base:
                yield Listener(field.name, "127.0.0.1", HIGH_PORTS + kind.port, holder)
            else:
                yield Listener(field.name, "*", port, holder)
