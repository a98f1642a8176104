"""What mail from strangers has to pass, built as the configuration says."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mailkeep.administration import Offices
from mailkeep.config import Config, read_place
from mailkeep.net.lane import Lane
from mailkeep.service.ledger import Ledger
from mailkeep.service.rates import Rates
from mailkeep.smtp.block_lists import BlockLists
from mailkeep.smtp.doorkeeper import Doorkeeper, Turned
from mailkeep.smtp.filters.fault import Tally, Terms
from mailkeep.smtp.filters.hook import Hook
from mailkeep.smtp.filters.milter import Milter, Room
from mailkeep.smtp.filters.rspamd import Rspamd
from mailkeep.smtp.judging import Judge, Judges
from mailkeep.smtp.loops import Loops
from mailkeep.smtp.verify.judge import Mode, Rules, SenderJudge


def build_gate(config: Config, offices: Offices, ledger: Ledger, lane: Lane, turned: Turned) -> Doorkeeper:
    """Asked for each recipient; counts in `turned` whom it has not let in."""
    wanted = config.filter
    return Doorkeeper(
        rates=Rates(ledger, "recipients:", wanted.recipients_per_hour, time.monotonic),
        block_lists=BlockLists(offices.resolver, wanted.block_lists) if wanted.block_lists else None,
        greylist=offices.greylist if wanted.greylist else None,
        exempt=wanted.exempt,
        resolve=offices.addresses.resolve,
        lane=lane,
        turned=turned,
    )


@dataclass(frozen=True, slots=True)
class Checks:
    """What looks at messages from strangers, and at those that come by LMTP; `hook` has processes to be ended."""

    judges: Judges
    of_lmtp: Judges
    hook: Hook | None

    def close(self) -> None:
        """They are no longer asked."""
        if self.hook is not None:
            self.hook.close()


def build_checks(config: Config, offices: Offices, lane: Lane, tally: Tally, found: Counter[tuple[str, str]]) -> Checks:
    """Asked for each message, in this order.

    Filters count in `tally` what they have found; checks of senders in `found`, by check and result.
    """
    senders = SenderJudge(offices.resolver, _rules(config), lane, found)
    terms = Terms(
        patience_s=float(config.filter.timeout), defer=config.filter.on_fault == "defer", lane=lane, tally=tally
    )
    hook = Hook(config.filter.hook, terms) if config.filter.hook is not None else None
    filters = (*_filters(config, offices, terms), *(() if hook is None else (hook,)))
    return Checks(Judges((Loops(), senders, *filters)), Judges(filters if config.filter.lmtp else ()), hook)


def _rules(config: Config) -> Rules:
    """Of the check whether mail is from whom it says."""
    return Rules(
        hostname=config.hostname,
        mode=Mode(config.filter.dmarc),
        exempt=config.filter.exempt,
        sealers=frozenset(config.filter.trusted_sealers),
    )


def _filters(config: Config, offices: Offices, terms: Terms) -> Iterator[Judge]:
    """Programs that the administrator has named."""
    wanted = config.filter
    if wanted.rspamd:
        yield Rspamd(wanted.rspamd, terms)
    room = Room(directory=offices.spool_dir, max_message=config.limits.message_size, hostname=config.hostname)
    for text in wanted.milters:
        place = read_place(text)
        assert place is not None
        yield Milter(place if isinstance(place, Path) else (place.host, place.port), terms, room)
