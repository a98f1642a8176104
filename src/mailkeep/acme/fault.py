"""Why there is no certificate."""

from __future__ import annotations

from collections.abc import Mapping


class AcmeFault(Exception):
    """It did not work; the text is for the administrator.

    `kind`: the authority's word for it (RFC 8555 §6.7) without its prefix, "" where it has said nothing.
    `retry_after_s`: how long it wants to be left alone; 0 where it does not say.
    """

    def __init__(self, text: str, *, kind: str = "", retry_after_s: float = 0.0) -> None:
        super().__init__(text)
        self.kind = kind
        self.retry_after_s = retry_after_s


class NamesRefused(AcmeFault):
    """The authority will not sign for some of the names; `names`: each with its reason.

    `final`: it never will.  Otherwise it has not seen the proof, and may see another kind of it.
    """

    def __init__(self, names: Mapping[str, str], *, final: bool) -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in names.items()))
        self.names = names
        self.final = final
