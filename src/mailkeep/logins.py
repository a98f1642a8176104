"""Who else says who may log in: a provider of tokens, a directory, a hook, certificates, as the configuration says."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from mailkeep.administration import AddAccount, Offices
from mailkeep.config import Config, ConfigError, Ldap, OAuth
from mailkeep.control import NotRunning, OutcomeUnknown, call
from mailkeep.formats.ldap import Scope, parse_filter
from mailkeep.model.errors import Unavailable
from mailkeep.net.lane import Lane
from mailkeep.service import ldap
from mailkeep.service.arrivals import Arrivals
from mailkeep.service.elsewhere import CertificateLogins, Elsewhere, PasswordsElsewhere, TokenLogins
from mailkeep.service.ldap import LdapDirectory, Lookup
from mailkeep.service.login_hook import LoginHook
from mailkeep.service.ways import Attempt, Way

SCOPES: Final = {"subtree": Scope.SUBTREE, "one": Scope.ONE}
CREATION_S: Final = 30.0


def build_elsewhere(config: Config, offices: Offices, lane: Lane) -> Elsewhere:
    """All of them.  Raises: ConfigError (a file of it cannot be used)."""
    maker = _Maker(config.control_socket) if config.accounts.at_login else None
    arrivals = Arrivals(offices.accounts, offices.addresses, maker.make if maker is not None else None)
    hook = None
    if config.auth.hook is not None:
        hook = LoginHook(config.auth.hook, lane.run, float(config.auth.hook_timeout))
    return Elsewhere(
        ways=tuple(_ways(config, arrivals, lane, hook)),
        tokens=_build_tokens(config.oauth, arrivals, lane) if config.oauth.issuer else None,
        certificates=CertificateLogins(arrivals) if config.tls.client_authorities is not None else None,
        close=_nothing if hook is None else hook.close,
    )


def require_login_files(config: Config) -> None:
    """What asks others can use the files that `config` names.  Raises: ConfigError."""
    _secret(config.oauth.client_secret_file, "oauth.client_secret_file")
    _secret(config.ldap.password_file, "ldap.password_file")
    for path, option in (
        (config.oauth.authorities, "oauth.authorities"),
        (config.ldap.authorities, "ldap.authorities"),
        (config.tls.client_authorities, "tls.client_authorities"),
    ):
        if path is not None:
            _context(path, option)
    hook = config.auth.hook
    if hook is not None:
        try:
            compile(hook.read_bytes(), hook, "exec")
        except (OSError, SyntaxError, ValueError) as error:  # ValueError: a NUL in it
            raise ConfigError(f"auth.hook: {hook}: cannot be used: {_why(error)}") from error


class _Maker:
    """Has accounts made by the process that writes the directory, which may be this one: its door is the same."""

    def __init__(self, door: Path) -> None:
        self._door = door

    async def make(self, address: str) -> None:
        """Raises: MailError."""
        verb = msgspec.msgpack.encode(AddAccount(address=address, password=None, elsewhere=True))
        try:
            await asyncio.to_thread(call, self._door, "account add", verb, timeout_s=CREATION_S)
        except (NotRunning, OutcomeUnknown) as error:
            raise Unavailable(str(error)) from error


def _nothing() -> None:
    """There is nothing to end."""


def _ways(config: Config, arrivals: Arrivals, lane: Lane, hook: LoginHook | None) -> Iterator[Way]:
    if config.ldap.servers:
        directory = LdapDirectory(_ldap_terms(config.ldap), lane.run)

        async def by_directory(attempt: Attempt) -> str | None:
            return await directory.check(attempt.key, attempt.typed)

        yield PasswordsElsewhere(by_directory, arrivals)
    if hook is not None:

        async def by_hook(attempt: Attempt) -> str | None:
            return await hook.check(attempt.key, attempt.typed, attempt.service.value, attempt.peer)

        yield PasswordsElsewhere(by_hook, arrivals)


def _ldap_terms(wanted: Ldap) -> ldap.Terms:
    lookup = None
    if not wanted.name:
        lookup = Lookup(
            base=wanted.base,
            scope=SCOPES[wanted.scope],
            condition=parse_filter(wanted.filter, ldap.WORDS),
            reader=wanted.reader,
            password=_secret(wanted.password_file, "ldap.password_file"),
        )
    return ldap.Terms(
        urls=wanted.servers,
        tls=_context(wanted.authorities, "ldap.authorities"),
        starttls=wanted.starttls,
        lookup=lookup,
        name=wanted.name,
        address=wanted.address,
        within_s=float(wanted.timeout),
    )


def _build_tokens(wanted: OAuth, arrivals: Arrivals, lane: Lane) -> TokenLogins:
    # What checks signatures and asks by HTTP takes an eighth of a second to load: most servers do without.
    from mailkeep.service.openid.claims import Terms
    from mailkeep.service.openid.provider import AskedTokens, Client, Provider, SignedTokens, configuration_url
    from mailkeep.service.openid.web import HttpsWeb

    terms = Terms(issuer=wanted.issuer, audiences=frozenset(wanted.audiences), scope=wanted.scope, claim=wanted.claim)
    web = HttpsWeb(_context(wanted.authorities, "oauth.authorities"), float(wanted.timeout))
    provider: Provider
    if wanted.check == "introspection":
        secret = _secret(wanted.client_secret_file, "oauth.client_secret_file")
        provider = AskedTokens(terms, web, lane.run, Client(name=wanted.client, secret=secret, url=wanted.url))
    else:
        provider = SignedTokens(terms, web, lane.run, keys_url=wanted.url)
    return TokenLogins(provider, arrivals, scope=wanted.scope, configuration=configuration_url(wanted.issuer))


def _secret(path: Path | None, option: str) -> str:
    """The first line of a file; "" without one.  Raises: ConfigError."""
    if path is None:
        return ""
    try:
        secret = path.read_text("utf-8").split("\n")[0].removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{option}: {path}: cannot be read: {_why(error)}") from error
    if not secret:
        raise ConfigError(f"{option}: {path}: its first line is empty")
    return secret


def _context(authorities: Path | None, option: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=authorities)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"{option}: {authorities}: cannot be used: {_why(error)}") from error


def _why(error: Exception) -> str:
    """Without the path, which has been named."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
