"""Passwords that Python of the administrator checks, in processes of its own (see `mailkeep.hook`)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import msgspec

from mailkeep import telemetry
from mailkeep.hook.frames import AskLogin, SaidLogin
from mailkeep.hook.pool import HookFault, Kind, Pool
from mailkeep.model.errors import Unavailable

PROCESSES: Final = 4  # at once; further logins wait, and their time runs
_DECODER: Final = msgspec.msgpack.Decoder(SaidLogin)

Run = Callable[[Coroutine[Any, Any, None]], Awaitable[None]]
"""Carries out work in a task of its own: those who log in may have none."""

log = telemetry.logger(part="auth")


class LoginHook:
    """Asks `on_login` of a Python file."""

    def __init__(self, path: Path, run: Run, within_s: float) -> None:
        self._pool = Pool(path, Kind.LOGIN, within_s)
        self._run = run
        self._within_s = within_s
        self._room = asyncio.Semaphore(PROCESSES)

    async def check(self, user: str, password: str, service: str, peer: str) -> str | None:
        """The address of the account that name and password open, None for none.  Raises: Unavailable."""
        found: list[str | None] = []
        await self._run(self._check(AskLogin(user, password, service, peer), found))
        return found[0]

    async def _check(self, ask: AskLogin, found: list[str | None]) -> None:
        try:
            async with asyncio.timeout(self._within_s), self._room:
                said = _DECODER.decode(await self._pool.ask(ask))
            if said.fault:
                raise HookFault(said.fault[:200])
        except UnicodeEncodeError:  # a name that is no Unicode
            found.append(None)
        except (HookFault, msgspec.DecodeError, OSError, TimeoutError) as error:
            log.warning("auth.hook_fault", reason=str(error) or "no answer in time")
            raise Unavailable("Passwords cannot be checked now") from error
        else:
            found.append(said.address)

    def close(self) -> None:
        """End the processes, those at work when they are done."""
        self._pool.close()
