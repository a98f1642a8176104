"""The dialogue with an authority: RFC 8555, as far as certificates for host names need it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from mailkeep.acme.fault import AcmeFault, NamesRefused
from mailkeep.acme.jose import AccountKey
from mailkeep.acme.settings import Binding
from mailkeep.acme.web import Answer, Web

T = TypeVar("T")

NONCES: Final = 10  # tries with another nonce; RFC 8555 §6.5 sets no bound
POLL_S: Final = 120.0  # for the authority to make up its mind
FIRST_PAUSE_S: Final = 0.25  # between two questions whether it has, at first
MAX_PAUSE_S: Final = 15.0
MAX_TEXT: Final = 500  # characters of what it says that are kept
_PREFIX: Final = "urn:ietf:params:acme:error:"

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to prove that a name is ours."""

    kind: str
    url: str
    token: str


@dataclass(frozen=True, slots=True)
class Authorization:
    """What the authority knows of a name: `state` is a word of RFC 8555 §7.1.6; `reason`: why it was refused."""

    url: str
    name: str
    state: str
    challenges: tuple[Challenge, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Order:
    """A certificate on its way.  `state` is a word of RFC 8555 §7.1.6; `certificate`: where it is, once it is made."""

    url: str
    state: str
    authorizations: tuple[str, ...]
    finalize: str
    certificate: str
    reason: str


class Client:
    """Speaks for one account, one request after the other.  Every method raises AcmeFault.

    `account`: its address at the authority, None until `register` has been asked.
    """

    def __init__(
        self,
        web: Web,
        directory: str,
        key: AccountKey,
        *,
        account: str | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.account = account
        self.key: Final = key
        self._web = web
        self._directory_url = directory
        self._directory: Document | None = None
        self._nonce: str | None = None
        self._pause = pause

    async def register(self, contact: Sequence[str], binding: Binding | None) -> str:
        """Make the account, or find it by its key; its address.  The terms of service are agreed to.  §7.3."""
        directory = await self._read_directory()
        url = _text(directory, "newAccount")
        request: dict[str, Any] = {
            "termsOfServiceAgreed": True,
            "contact": [f"mailto:{address}" for address in contact],
        }
        if binding is not None:
            request["externalAccountBinding"] = self.key.bind(key_id=binding.key_id, secret=binding.secret, url=url)
        elif _of(directory, "meta", dict).get("externalAccountRequired") is True:
            raise AcmeFault("the authority wants acme.key_id and acme.hmac_key_file", kind="externalAccountRequired")
        answer = await self._post(url, request)
        self.account = _location(answer)
        return self.account

    async def advises(self) -> bool:
        """Whether the authority says when to renew (RFC 9773)."""
        return isinstance((await self._read_directory()).get("renewalInfo"), str)

    async def order(self, names: Sequence[str], replaces: str = "") -> Order:
        """Ask for a certificate.  `replaces`: the one it is to follow, see `renewal`.

        §7.4.  Raises: NamesRefused (the authority never signs for some of them).
        """
        url = _text(await self._read_directory(), "newOrder")
        request: dict[str, Any] = {"identifiers": [{"type": "dns", "value": name} for name in names]}
        if replaces:
            request["replaces"] = replaces
        try:
            answer = await self._post(url, request)
        except AcmeFault as fault:
            named = {name: str(fault) for name in names if f'"{name}"' in str(fault)}  # some name them in words only
            if fault.kind != "rejectedIdentifier" or not named:
                raise
            raise NamesRefused(named, final=True) from fault
        return _order(_location(answer), _document(answer))

    async def authorization(self, url: str) -> Authorization:
        """What the authority knows of a name now.  §7.5."""
        return _authorization(url, _document(await self._post(url, None)))

    async def answer(self, challenge: Challenge) -> None:
        """Say that the authority may come and see.  §7.5.1."""
        await self._post(challenge.url, {})

    async def decided(self, url: str) -> Authorization:
        """Wait until the authority has seen a name.  §7.5.1."""
        return await self._until(partial(self._look_at_name, url))

    async def finalize(self, order: Order, request: str) -> bytes:
        """Hand in a request (DER in base64url) and wait for the certificate: PEM, with its chain.  §7.4."""
        answer = await self._post(order.finalize, {"csr": request})
        made = _order(order.url, _document(answer))
        if made.state == "processing":
            made = await self._until(partial(self._look_at_order, order.url), first_s=answer.retry_after_s())
        if made.state != "valid" or not made.certificate:
            raise AcmeFault(
                f"the authority does not finish the order ({made.state}): {made.reason or 'no reason given'}"
            )
        return (await self._post(made.certificate, None, accept="application/pem-certificate-chain")).body

    async def renewal(self, certificate_id: str) -> Document | None:
        """What the authority advises about renewal (RFC 9773 §4.2); None where it gives no advice."""
        directory = await self._read_directory()
        base = directory.get("renewalInfo")
        if not isinstance(base, str):
            return None
        answer = await self._web.ask("GET", f"{base.rstrip('/')}/{certificate_id}", accept="application/json")
        _accept(answer)
        return _document(answer)

    # --- waiting

    async def _until(self, look: Callable[[], Awaitable[tuple[T | None, float]]], first_s: float = 0.0) -> T:
        """The first thing that `look` finds; with it comes how long to wait before the next look."""
        pause_s = FIRST_PAUSE_S
        await self._pause(min(first_s, MAX_PAUSE_S))
        try:
            async with asyncio.timeout(POLL_S):
                while True:
                    found, wanted_s = await look()
                    if found is not None:
                        return found
                    await self._pause(min(MAX_PAUSE_S, max(pause_s, wanted_s)))
                    pause_s *= 1.5
        except TimeoutError:
            raise AcmeFault(f"the authority has not made up its mind within {POLL_S:g} s") from None

    async def _look_at_name(self, url: str) -> tuple[Authorization | None, float]:
        answer = await self._post(url, None)
        authorization = _authorization(url, _document(answer))
        return None if authorization.state == "pending" else authorization, answer.retry_after_s()

    async def _look_at_order(self, url: str) -> tuple[Order | None, float]:
        answer = await self._post(url, None)
        order = _order(url, _document(answer))
        return None if order.state == "processing" else order, answer.retry_after_s()

    # --- requests

    async def _read_directory(self) -> Document:
        if self._directory is None:
            answer = await self._web.ask("GET", self._directory_url, accept="application/json")
            _accept(answer)
            self._directory = _document(answer)
        return self._directory

    async def _post(self, url: str, payload: object, *, accept: str = "application/json") -> Answer:
        """A signed request; with another nonce where the authority no longer knows the one it gave (§6.5)."""
        for _ in range(NONCES):
            nonce = self._nonce or await self._new_nonce()
            self._nonce = None
            account = self.account if url != (self._directory or {}).get("newAccount") else None
            body = self.key.sign(payload, url=url, nonce=nonce, account=account)
            answer = await self._web.ask("POST", url, body, accept=accept)
            self._nonce = answer.headers.get("replay-nonce")
            try:
                _accept(answer)
            except AcmeFault as fault:
                if fault.kind != "badNonce":
                    raise
            else:
                return answer
        raise AcmeFault("the authority knows none of its nonces")

    async def _new_nonce(self) -> str:
        answer = await self._web.ask("HEAD", _text(await self._read_directory(), "newNonce"))
        nonce = answer.headers.get("replay-nonce")
        if not nonce:
            raise AcmeFault("the authority gives no nonce")
        return nonce


def _accept(answer: Answer) -> None:
    """Raises: AcmeFault or NamesRefused where the authority refuses (§6.7)."""
    if 200 <= answer.status < 300:
        return
    try:
        problem = _document(answer)
    except AcmeFault:
        raise AcmeFault(f"answered with status {answer.status}", retry_after_s=answer.retry_after_s()) from None
    names = _names_refused(problem)
    kind = str(problem.get("type", "")).removeprefix(_PREFIX)
    if names and kind != "rateLimited":
        raise NamesRefused(names, final=True)
    raise AcmeFault(_reason(problem), kind=kind, retry_after_s=answer.retry_after_s())


def _names_refused(problem: Document) -> dict[str, str]:
    """Which names are the reason, and why (§6.7.1)."""
    names: dict[str, str] = {}
    for part in problem.get("subproblems") or () if isinstance(problem.get("subproblems"), list) else ():
        if isinstance(part, dict) and isinstance(name := _of(part, "identifier", dict).get("value"), str):
            names[name.lower()] = _reason(part)
    return names


def _reason(problem: Document) -> str:
    kind = str(problem.get("type", "")).removeprefix(_PREFIX)
    text = " ".join(str(problem.get("detail", "")).split())
    return f"{text or 'refused'} ({kind})"[:MAX_TEXT] if kind else (text or "refused")[:MAX_TEXT]


def _document(answer: Answer) -> Document:
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise AcmeFault("the authority's answer is no JSON object")
    return document


def _of(document: Document, key: str, kind: type[Any]) -> Any:
    """A member, or the empty value of `kind` where it is missing or something else."""
    value = document.get(key)
    return value if isinstance(value, kind) else kind()


def _text(document: Document, key: str) -> str:
    text = _of(document, key, str)
    if not text:
        raise AcmeFault(f'the authority\'s answer lacks "{key}"')
    return str(text)


def _location(answer: Answer) -> str:
    location = answer.headers.get("location", "")
    if not location:
        raise AcmeFault("the authority does not say where what it has made is")
    return location


def _order(url: str, document: Document) -> Order:
    return Order(
        url=url,
        state=_text(document, "status"),
        authorizations=tuple(url for url in _of(document, "authorizations", list) if isinstance(url, str)),
        finalize=_text(document, "finalize"),
        certificate=_of(document, "certificate", str),
        reason=_reason(error) if (error := _of(document, "error", dict)) else "",
    )


def _authorization(url: str, document: Document) -> Authorization:
    given = [each for each in _of(document, "challenges", list) if isinstance(each, dict)]
    errors = [error for each in given if (error := _of(each, "error", dict))]
    return Authorization(
        url=url,
        name=_text(_of(document, "identifier", dict), "value").lower(),
        state=_text(document, "status"),
        challenges=tuple(
            Challenge(_of(each, "type", str), _of(each, "url", str), _of(each, "token", str)) for each in given
        ),
        reason="; ".join(map(_reason, errors)),
    )
