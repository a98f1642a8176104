"""Long work in pieces."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from mailkeep.service import pieces
from mailkeep.service.pieces import Work, at_once, in_thread, sort_in_pieces


@given(st.lists(st.integers(0, 5), max_size=300), st.integers(1, 40), st.integers(1, 10))
def test_sorting_in_pieces_is_sorting_and_keeps_the_order_of_equals(values: list[int], run: int, sampled: int) -> None:
    old = pieces.RUN, pieces.SAMPLED
    try:
        pieces.RUN, pieces.SAMPLED = max(run, sampled), sampled  # type: ignore[misc]
        assert at_once(sort_in_pieces(range(len(values)), values.__getitem__)) == sorted(
            range(len(values)), key=values.__getitem__
        )
    finally:
        pieces.RUN, pieces.SAMPLED = old  # type: ignore[misc]


def test_what_is_cancelled_ends_at_the_next_piece() -> None:
    begun, ended = threading.Event(), threading.Event()

    def endless() -> Work[None]:
        try:
            while True:
                begun.set()
                yield
        finally:
            ended.set()

    async def main() -> None:
        task = asyncio.ensure_future(in_thread(endless()))
        await asyncio.to_thread(begun.wait)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert ended.wait(10)


def test_a_result_comes_out_of_the_thread() -> None:
    def work() -> Work[int]:
        yield
        return threading.get_ident()

    assert asyncio.run(in_thread(work())) != threading.get_ident()
