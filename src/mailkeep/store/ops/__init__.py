"""Operations on an account, one file each.

`account` always comes first; the rest are positional.  `now` is UTC seconds.  Reading:

    get_account(account) -> AccountRow
    list_mailboxes(account) -> tuple[Mailbox, ...]              ascending by name
    get_mailbox(account, mailbox) -> Mailbox
    find_mailbox(account, path) -> Mailbox | None
    list_subscriptions(account) -> tuple[str, ...]              ascending
    keywords(account) -> tuple[tuple[int, str], ...]            (number, name), ascending
    snapshot(account, mailbox) -> Snapshot                      a whole mailbox as arrays
    delta(account, mailbox, since) -> Delta
    vanished(account, mailbox, since) -> UidSet                 for QRESYNC
    fetch(account, mailbox, uids, kinds, also) -> list[Fetched]
    check(account) -> tuple[str, ...]                           problems, in words

Writing:

    create_account(account, quota, now) -> None                 may be repeated
    remove_account(account) -> bool                             True when nothing is left; else call again
    create_mailbox(account, path, role, subscribe, now) -> Mailbox
    delete_mailbox(account, mailbox, now) -> modseq
    rename_mailbox(account, mailbox, path, now) -> Mailbox
    rename_inbox(account, path, now) -> tuple[Mailbox, Copied]
    subscribe(account, name) / unsubscribe(account, name) -> modseq
    append(account, mailbox, messages, now) -> Appended
    copy(account, mailbox, uids, target, now) -> Copied
    move(account, mailbox, uids, target, now) -> Copied
    store_flags(account, mailbox, uids, how, mask, keywords, unchanged_since) -> Stored
    expunge(account, mailbox, uids, now) -> tuple[modseq, UidSet]
    claim_recent(account, mailbox) -> Uid                       first UID that was still recent; now none is
    put_derived(account, rows) -> None                          rows: tuple[(message, Derived), ...]
    save_snapshot(account, mailbox) -> None
    undelete(account, mailbox, since, message, now) -> tuple[Copied, ...]
    set_quota(account, quota) -> None
    sweep(account, now, keep_s) -> bool                         True when there was nothing (more) to do
"""
