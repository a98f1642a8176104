"""THE TABLE of IMAP commands: when each is allowed, how its arguments are read, what it does.

- A handler takes values, asks the service, writes values.  It parses nothing, checks no state, completes nothing.
- It raises domain errors; `connection` turns them into answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mailkeep.imap.commands import (
    acl,
    append,
    authenticate,
    cancelupdate,
    capability,
    close,
    comparator,
    compress,
    copy,
    create,
    delete,
    enable,
    esearch,
    expunge,
    fetch,
    genurlauth,
    id_,
    idle,
    language,
    list_,
    login,
    logout,
    metadata,
    move,
    namespace,
    noop,
    notify,
    quota,
    rename,
    replace,
    resetkey,
    search,
    select,
    sort,
    starttls,
    status,
    store,
    subscribe,
    thread,
    unauthenticate,
    urlfetch,
)
from mailkeep.imap.commands.table import Command, State
from mailkeep.imap.wire import acl as wire_acl
from mailkeep.imap.wire import append as wire_append
from mailkeep.imap.wire import arguments as wire_arguments
from mailkeep.imap.wire import authenticate as wire_authenticate
from mailkeep.imap.wire import cancelupdate as wire_cancelupdate
from mailkeep.imap.wire import comparator as wire_comparator
from mailkeep.imap.wire import compress as wire_compress
from mailkeep.imap.wire import copy as wire_copy
from mailkeep.imap.wire import create as wire_create
from mailkeep.imap.wire import enable as wire_enable
from mailkeep.imap.wire import esearch as wire_esearch
from mailkeep.imap.wire import expunge as wire_expunge
from mailkeep.imap.wire import fetch as wire_fetch
from mailkeep.imap.wire import genurlauth as wire_genurlauth
from mailkeep.imap.wire import id_ as wire_id
from mailkeep.imap.wire import language as wire_language
from mailkeep.imap.wire import list_ as wire_list
from mailkeep.imap.wire import login as wire_login
from mailkeep.imap.wire import metadata as wire_metadata
from mailkeep.imap.wire import notify as wire_notify
from mailkeep.imap.wire import quota as wire_quota
from mailkeep.imap.wire import rename as wire_rename
from mailkeep.imap.wire import replace as wire_replace
from mailkeep.imap.wire import resetkey as wire_resetkey
from mailkeep.imap.wire import search as wire_search
from mailkeep.imap.wire import select as wire_select
from mailkeep.imap.wire import sort as wire_sort
from mailkeep.imap.wire import status as wire_status
from mailkeep.imap.wire import store as wire_store
from mailkeep.imap.wire import thread as wire_thread
from mailkeep.imap.wire import urlfetch as wire_urlfetch

no_args, mailbox_name = wire_arguments.no_args, wire_arguments.mailbox_name

_ROWS: Final = (
    Command("CAPABILITY", State.ANY, no_args, capability.capability),
    Command("LANGUAGE", State.ANY, wire_language.parse, language.language, capability="LANGUAGE"),
    Command("ID", State.ANY, wire_id.parse, id_.id_, capability="ID"),
    Command("NOOP", State.ANY, no_args, noop.noop),
    Command("LOGOUT", State.ANY, no_args, logout.logout),
    Command("STARTTLS", State.NOT_AUTHENTICATED, no_args, starttls.starttls, capability="STARTTLS"),
    Command("AUTHENTICATE", State.NOT_AUTHENTICATED, wire_authenticate.parse, authenticate.authenticate),
    Command("LOGIN", State.NOT_AUTHENTICATED, wire_login.parse, login.login),
    Command("UNAUTHENTICATE", State.AUTHENTICATED, no_args, unauthenticate.unauthenticate, capability="UNAUTHENTICATE"),
    Command("ENABLE", State.AUTHENTICATED, wire_enable.parse, enable.enable, capability="ENABLE"),
    Command("SELECT", State.AUTHENTICATED, wire_select.parse, select.select),
    Command("EXAMINE", State.AUTHENTICATED, wire_select.parse, select.examine),
    Command("CREATE", State.AUTHENTICATED, wire_create.parse, create.create, writes=True),
    Command("DELETE", State.AUTHENTICATED, mailbox_name, delete.delete, writes=True),
    Command("RENAME", State.AUTHENTICATED, wire_rename.parse, rename.rename, writes=True),
    Command("SUBSCRIBE", State.AUTHENTICATED, mailbox_name, subscribe.subscribe, writes=True),
    Command("UNSUBSCRIBE", State.AUTHENTICATED, mailbox_name, subscribe.unsubscribe, writes=True),
    Command("LIST", State.AUTHENTICATED, wire_list.parse, list_.list_),
    Command("LSUB", State.AUTHENTICATED, wire_list.parse_lsub, list_.lsub),
    Command("XLIST", State.AUTHENTICATED, wire_list.parse_lsub, list_.xlist, capability="XLIST"),
    Command("COMPARATOR", State.AUTHENTICATED, wire_comparator.parse, comparator.comparator, capability="I18NLEVEL=2"),
    Command("NAMESPACE", State.AUTHENTICATED, no_args, namespace.namespace, capability="NAMESPACE"),
    Command("STATUS", State.AUTHENTICATED, wire_status.parse, status.status),
    Command("GETMETADATA", State.AUTHENTICATED, wire_metadata.parse_get, metadata.getmetadata, capability="METADATA"),
    Command(
        "SETMETADATA",
        State.AUTHENTICATED,
        wire_metadata.parse_set,
        metadata.setmetadata,
        capability="METADATA",
        writes=True,
    ),
    Command("GETQUOTA", State.AUTHENTICATED, wire_quota.parse_get, quota.getquota, capability="QUOTA"),
    Command("GETQUOTAROOT", State.AUTHENTICATED, mailbox_name, quota.getquotaroot, capability="QUOTA"),
    Command("SETQUOTA", State.AUTHENTICATED, wire_quota.parse_set, quota.setquota, capability="QUOTASET", writes=True),
    Command("APPEND", State.AUTHENTICATED, wire_append.parse, append.append, writes=True),
    Command("SETACL", State.AUTHENTICATED, wire_acl.parse_setacl, acl.setacl, capability="ACL", writes=True),
    Command("DELETEACL", State.AUTHENTICATED, wire_acl.parse_identified, acl.deleteacl, capability="ACL", writes=True),
    Command("GETACL", State.AUTHENTICATED, mailbox_name, acl.getacl, capability="ACL"),
    Command("LISTRIGHTS", State.AUTHENTICATED, wire_acl.parse_identified, acl.listrights, capability="ACL"),
    Command("MYRIGHTS", State.AUTHENTICATED, mailbox_name, acl.myrights, capability="ACL"),
    Command(
        "GENURLAUTH",
        State.AUTHENTICATED,
        wire_genurlauth.parse,
        genurlauth.genurlauth,
        capability="URLAUTH",
        writes=True,
    ),
    Command("RESETKEY", State.AUTHENTICATED, wire_resetkey.parse, resetkey.resetkey, capability="URLAUTH", writes=True),
    Command("URLFETCH", State.AUTHENTICATED, wire_urlfetch.parse, urlfetch.urlfetch, capability="URLAUTH"),
    Command("IDLE", State.AUTHENTICATED, no_args, idle.idle, capability="IDLE"),
    Command("COMPRESS", State.AUTHENTICATED, wire_compress.parse, compress.compress, capability="COMPRESS=DEFLATE"),
    Command("ESEARCH", State.AUTHENTICATED, wire_esearch.parse, esearch.esearch, capability="MULTISEARCH"),
    Command(
        "CANCELUPDATE",
        State.SELECTED,
        wire_cancelupdate.parse,
        cancelupdate.cancelupdate,
        capability="CONTEXT=SEARCH",
    ),
    Command("NOTIFY", State.AUTHENTICATED, wire_notify.parse, notify.notify, capability="NOTIFY"),
    Command("CHECK", State.SELECTED, no_args, noop.noop),
    Command("CLOSE", State.SELECTED, no_args, close.close),
    Command("UNSELECT", State.SELECTED, no_args, close.unselect, capability="UNSELECT"),
    Command("EXPUNGE", State.SELECTED, no_args, expunge.expunge, removes=True, writes=True),
    Command(
        "UID EXPUNGE",
        State.SELECTED,
        wire_expunge.parse_uid,
        expunge.uid_expunge,
        capability="UIDPLUS",
        removes=True,
        writes=True,
    ),
    Command("SEARCH", State.SELECTED, wire_search.parse, search.search, may_expunge=False),
    Command("UID SEARCH", State.SELECTED, wire_search.parse_uid, search.search),
    Command("SORT", State.SELECTED, wire_sort.parse, sort.sort, may_expunge=False, capability="SORT"),
    Command("UID SORT", State.SELECTED, wire_sort.parse_uid, sort.sort, capability="SORT"),
    Command("THREAD", State.SELECTED, wire_thread.parse, thread.thread, may_expunge=False),
    Command("UID THREAD", State.SELECTED, wire_thread.parse_uid, thread.thread),
    Command("FETCH", State.SELECTED, wire_fetch.parse, fetch.fetch, may_expunge=False),
    Command("UID FETCH", State.SELECTED, wire_fetch.parse_uid, fetch.fetch),
    Command("STORE", State.SELECTED, wire_store.parse, store.store, may_expunge=False, writes=True),
    Command("UID STORE", State.SELECTED, wire_store.parse_uid, store.store, writes=True),
    Command("COPY", State.SELECTED, wire_copy.parse, copy.copy, writes=True),
    Command("UID COPY", State.SELECTED, wire_copy.parse_uid, copy.copy, writes=True),
    Command("MOVE", State.SELECTED, wire_copy.parse, move.move, capability="MOVE", removes=True, writes=True),
    Command("UID MOVE", State.SELECTED, wire_copy.parse_uid, move.move, capability="MOVE", removes=True, writes=True),
    Command(
        "REPLACE", State.SELECTED, wire_replace.parse, replace.replace, capability="REPLACE", removes=True, writes=True
    ),
    Command(
        "UID REPLACE",
        State.SELECTED,
        wire_replace.parse_uid,
        replace.replace,
        capability="REPLACE",
        removes=True,
        writes=True,
    ),
)

COMMANDS: Final[Mapping[str, Command]] = {row.name: row for row in _ROWS}

BY_NUMBER: Final = frozenset(name for name in COMMANDS if f"UID {name}" in COMMANDS) - {"EXPUNGE"}
"""Commands that name messages by number, and have a form that names them by UID."""
