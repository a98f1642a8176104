"""What an administrator wants of an authority."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Binding:
    """An account that the authority knows by other means (RFC 8555 §7.3.4)."""

    key_id: str
    secret: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`kinds`: of challenges that can be answered, the best first; `directory`: the authority's address."""

    directory: str
    hostname: str
    kinds: tuple[str, ...]
    contact: tuple[str, ...] = ()
    authorities: Path | None = None  # PEM; none: those that the system trusts
    binding: Binding | None = None
