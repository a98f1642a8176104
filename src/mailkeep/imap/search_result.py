"""What a searching command tells of its results, and what it saves: for SEARCH, SORT, ESEARCH alike.

Results come in the order asked for, which is that of the mailbox for SEARCH; MIN is the first of them, MAX the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mailkeep.imap.wire.response import SearchResult, run_ranges
from mailkeep.imap.wire.search_return import Return, Returns

_SOME: Final = Return.MIN | Return.MAX | Return.PARTIAL
_EVERY: Final = Return.ALL | Return.COUNT


def asks_nothing(returns: Returns) -> bool:
    """SAVE alone asks for no answer (RFC 9051 §6.4.4)."""
    return returns.options == Return.SAVE


def answer(
    returns: Returns,
    results: Sequence[int],
    *,
    uid: bool,
    modseq: int | None = None,
    mailbox: tuple[bytes, int] | None = None,
    scores: Sequence[int] | None = None,
) -> SearchResult:
    """The ESEARCH response of `results`: message numbers, or UIDs if `uid`.  `mailbox`: see `SearchResult`.

    `scores`: the relevancy of all of them, in their order.
    """
    options = returns.options
    partial = returns.partial
    return SearchResult(
        uid=uid,
        mailbox=mailbox,
        min=results[0] if Return.MIN in options and results else None,
        max=results[-1] if Return.MAX in options and results else None,
        all=run_ranges(results) if Return.ALL in options else None,
        partial=None if partial is None else (partial.text, run_ranges(partial.of(results))),
        count=len(results) if Return.COUNT in options else None,
        modseq=modseq,
        relevancy=scores if scores is None or partial is None else partial.of(scores),
    )


def chosen(returns: Returns, results: Sequence[int]) -> Sequence[int]:
    """The results that ``$`` holds with SAVE, and whose highest mod-sequence is told; perhaps some twice.

    All of them, but with MIN, MAX or PARTIAL and neither ALL nor COUNT, only these (RFC 5182 §2.4, RFC 9394 §3.2,
    RFC 4731 §3.2).
    """
    options = returns.options
    if not results or options & _EVERY or not options & _SOME:
        return results
    ends = [results[0]] * (Return.MIN in options) + [results[-1]] * (Return.MAX in options)
    return [*ends, *(returns.partial.of(results) if returns.partial else ())]
