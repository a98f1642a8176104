"""Keys of conversations."""

from __future__ import annotations

from mailkeep.store.threads import MAX_KEYS, thread_keys


def test_messages_share_a_key_when_they_name_the_same_message_and_subject() -> None:
    first = thread_keys([b"<1@x>"], "Hello")
    answer = thread_keys([b"<2@x>", b"<1@x>"], "hello")
    other = thread_keys([b"<3@x>", b"<1@x>"], "Something else")
    assert first[0] in answer
    assert not set(first) & set(other)


def test_keys_are_positive_distinct_bounded_and_keep_their_order() -> None:
    ids = [f"<{i % 60}@x>" for i in range(1000)]
    keys = thread_keys(ids, "s")
    assert len(keys) == len(set(keys)) == MAX_KEYS
    assert all(0 < key < 2**63 for key in keys)
    assert keys[0] == thread_keys([ids[0]], "s")[0]


def test_no_message_id_gives_no_key() -> None:
    assert thread_keys([], "Hello") == ()
