"""The certificates of a data directory, as an administrator asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from cryptography.x509 import ExtensionNotFound

from mailkeep.acme.folder import HOST, Folder, Held, Notes, read_held
from mailkeep.acme.keeper import Keeper, Outcome
from mailkeep.acme.plan import renewal_time
from mailkeep.certificates import CertificateError, CertificateFiles, self_signed_files
from mailkeep.model.errors import Invalid, Unavailable


class Source(StrEnum):
    """Where a certificate comes from."""

    FILES = "files"
    ACME = "acme"
    SELF_SIGNED = "self-signed"


@dataclass(frozen=True, slots=True)
class Report:
    """A certificate, and what is remembered of the attempts to have it.

    `domain`: whose it is, "" for the host's own.  `held` None: there is none, and `files` cannot be used.
    `renew_at`: UTC seconds; 0 where nobody renews it.
    """

    domain: str
    source: Source
    files: CertificateFiles | None
    held: Held | None
    renew_at: float
    notes: Notes


@dataclass(frozen=True, slots=True)
class Certificates:
    """`given`: files that the administrator names.  `acme`: whether an authority is asked; `keeper`: who asks, here."""

    data_dir: Path
    given: CertificateFiles | None
    acme: bool
    keeper: Keeper | None = None

    def find_host(self) -> tuple[Source, CertificateFiles]:
        """What is shown to whoever asks for no domain's host.  A self-signed one need not exist yet."""
        if self.given is not None:
            return Source.FILES, self.given
        if self.acme and (held := Folder(self.data_dir).find(HOST)) is not None:
            return Source.ACME, held.files
        return Source.SELF_SIGNED, self_signed_files(self.data_dir)

    def report(self) -> Iterator[Report]:
        """All certificates, the host's own first."""
        folder: Final = Folder(self.data_dir)
        source, files = self.find_host()
        yield self._report(HOST, source, files, folder.notes(HOST) if self.acme else Notes())
        for domain in folder.groups() if self.acme else ():
            if domain != HOST:
                yield self._report(domain, Source.ACME, folder.newest(domain), folder.notes(domain))

    def _report(self, domain: str, source: Source, files: CertificateFiles | None, notes: Notes) -> Report:
        held = None
        with suppress(OSError, ValueError, CertificateError, ExtensionNotFound):
            held = read_held(files) if files is not None else None
        renew_at = renewal_time(held, notes) if held is not None and source is Source.ACME else 0.0
        return Report(domain, source, files, held, renew_at, notes)

    async def renew(self) -> tuple[Outcome, ...]:
        """Have new certificates made now, whatever there is.  Raises: Unavailable, Invalid."""
        if not self.acme:
            raise Invalid("Certificates are asked for at an authority only if tls.acme is on")
        if self.keeper is None or self.keeper.settings is None:
            raise Unavailable("Only a running server can prove that its names are its own: start it first")
        return await self.keeper.look(self.keeper.settings, anyway=True)
