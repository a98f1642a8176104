"""Hints from writers to whoever has a window open.

Hints are sets, not queues: a subscriber is told *where* to look, and asks the store *what* happened.
"""

from __future__ import annotations

from collections.abc import Callable

from mailkeep.model.change import Hint
from mailkeep.model.ids import AccountId, ModSeq

Listener = Callable[[Hint], None]


class Bus:
    """Delivers hints within this process, at once, in the order of publication.  `relay` takes them to others."""

    def __init__(self, relay: Listener | None = None) -> None:
        self._relay = relay
        self._doubters: list[Callable[[], None]] = []
        self._listeners: dict[AccountId, dict[int, Listener]] = {}
        self._everything: list[Listener] = []
        self._next = 0

    def subscribe_all(self, listener: Listener) -> None:
        """Call `listener` with every hint, before those who subscribed to its account."""
        self._everything.append(listener)

    def subscribe(self, account: AccountId, listener: Listener) -> Callable[[], None]:
        """Call `listener` with each hint about `account` until the returned function is called.

        A listener must not wait and must not raise.
        """
        self._next += 1
        key = self._next
        self._listeners.setdefault(account, {})[key] = listener

        def unsubscribe() -> None:
            listeners = self._listeners.get(account)
            if listeners is not None and listeners.pop(key, None) is not None and not listeners:
                del self._listeners[account]

        return unsubscribe

    def subscribe_doubt(self, listener: Callable[[], None]) -> None:
        """Call `listener` when hints may have got lost: it looks everywhere."""
        self._doubters.append(listener)

    def doubt(self) -> None:
        """Hints of another process may have got lost."""
        for listener in self._doubters:
            listener()
        for account in tuple(self._listeners):
            self.deliver(Hint(account, frozenset(), ModSeq(0), tree=True))

    def publish(self, hint: Hint) -> None:
        """Tell everybody who watches the account, in whichever process."""
        self.deliver(hint)
        if self._relay is not None:
            self._relay(hint)

    def deliver(self, hint: Hint) -> None:
        """Tell everybody in this process who watches the account; of its queue, those who watch everything."""
        for listener in self._everything:
            listener(hint)
        if hint.queue:  # nobody who watches mailboxes sees anything of that
            return
        listeners = self._listeners.get(hint.account)
        if listeners:
            for listener in tuple(listeners.values()):
                listener(hint)
