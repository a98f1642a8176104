"""What the configuration says of certificates: which are shown, and which are asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from mailkeep.acme.challenges import HTTP, TLS_ALPN
from mailkeep.acme.folder import HOST, find_certificates
from mailkeep.acme.office import Certificates
from mailkeep.acme.settings import Binding, Settings
from mailkeep.certificates import CertificateFiles, names_of
from mailkeep.config import Config, ConfigError

_DOMAIN: Final = re.compile(r"(?=.{1,240}\Z)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+\Z")  # that an authority may know


def build_certificates(config: Config) -> Certificates:
    """For who asks about them."""
    tls = config.tls
    given = CertificateFiles(tls.certificate, tls.key) if tls.certificate and tls.key else None
    return Certificates(config.data_dir, given, acme=tls.acme)


def find_others(config: Config) -> dict[str, CertificateFiles]:
    """Certificates that are shown to whoever asks for certain hosts."""
    return find_certificates(config.data_dir) if config.tls.acme else {}


def name_groups(config: Config, domains: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The names that certificates are wanted for, if they lead here: the host's own first, then by domain."""
    own = tuple(dict.fromkeys((config.hostname, *config.tls.names)))
    groups = {HOST: own}
    for domain in sorted(set(domains)):
        if _DOMAIN.match(domain):
            groups[domain] = tuple(name for name in names_of(domain) if name not in own)
    return groups


def settings_of(config: Config) -> Settings | None:
    """What is asked of an authority; None: nothing.  Raises: ConfigError (a file cannot be used)."""
    acme = config.acme
    if not config.tls.acme:
        return None
    if acme.authorities is not None and not acme.authorities.is_file():
        raise ConfigError(f"acme.authorities: {acme.authorities}: there is no such file")
    listening = {HTTP: config.listen.http, TLS_ALPN: config.listen.https}
    return Settings(
        directory=acme.directory,
        hostname=config.hostname,
        kinds=tuple(kind for kind in acme.challenges if listening[kind] is not None),
        contact=acme.contact,
        authorities=acme.authorities,
        binding=_binding(config),
    )


def _binding(config: Config) -> Binding | None:
    file = config.acme.hmac_key_file
    if file is None:
        return None
    from mailkeep.acme.jose import decode_secret  # its library takes 50 ms to load

    try:
        return Binding(config.acme.key_id, decode_secret(file.read_text("ascii").partition("\n")[0]))
    except OSError as error:
        raise ConfigError(f"acme.hmac_key_file: {file}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"acme.hmac_key_file: {file}: the first line is no base64url") from error
