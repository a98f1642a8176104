"""What mail from strangers has to pass, built as the configuration says."""

from __future__ import annotations

import time

from mailkeep.administration import Offices
from mailkeep.config import Config
from mailkeep.net.lane import Lane
from mailkeep.service.ledger import Ledger
from mailkeep.service.rates import Rates
from mailkeep.smtp.block_lists import BlockLists
from mailkeep.smtp.doorkeeper import Doorkeeper, Turned
from mailkeep.smtp.judging import Judge, Judges
from mailkeep.smtp.loops import Loops
from mailkeep.smtp.verify.judge import Rules, SenderJudge


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


def build_judges(config: Config, offices: Offices, lane: Lane) -> Judges:
    """Asked for each message, in this order."""
    judges: list[Judge] = [Loops()]
    if config.filter.dmarc != "off":
        rules = Rules(
            hostname=config.hostname,
            enforce=config.filter.dmarc == "enforce",
            exempt=config.filter.exempt,
            sealers=frozenset(config.filter.trusted_sealers),
        )
        judges.append(SenderJudge(offices.resolver, rules, lane))
    return Judges(judges)
