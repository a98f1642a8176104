"""A bound on the bodies of requests."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mailkeep.model.errors import TooLarge

SMALL: Final = 64 * 1024  # octets: what any request here that is not a message needs


class Bounded:
    """An application whose requests have bodies of at most `limit` octets: reading more raises TooLarge."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        left = self._limit
        told = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        # The number of digits first: h11 has made sure that there are only digits, and not how many.
        announced = len(told) > 15 or int(told) > self._limit

        async def bounded() -> Message:
            nonlocal left
            if announced:  # before the client is told to go on (RFC 9110 §10.1.1)
                raise TooLarge("The body is too large")
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise TooLarge("The body is too large")
            return message

        await self._app(scope, bounded, send)
