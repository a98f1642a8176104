import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest
from tests.conformance.cli.conftest import Run, Start

from mailkeep.control import NotRunning, OutcomeUnknown, call
from mailkeep.model.errors import Unavailable
from mailkeep.service.segment import VERSION

MESSAGE = "From: ben@example.net\nSubject: Hello\n\nJust in.\n"


@pytest.fixture(params=["while the server runs", "without a server"])
def place(request: pytest.FixtureRequest, store: Path) -> Path:
    """The data directory with ann@example.org; every command must work both ways."""
    if request.param == "while the server runs":
        request.getfixturevalue("start")("serve", "--data", store)
    return store


def test_accounts_are_added_listed_shown_and_removed(mailkeep: Run, place: Path) -> None:
    added = mailkeep(
        "account", "add", "ben@example.net", "--quota", "1 GiB", "--data", place, "--password-stdin", stdin="b\n"
    )
    assert added.returncode == 0, added.stderr
    assert "not signed" in added.stdout
    assert "domain add example.net" in added.stdout
    listed = mailkeep("account", "list", "--data", place).stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["ann@example.org", "ben@example.net"]
    assert listed[1].endswith("quota 1 GiB")
    shown = mailkeep("account", "show", "ann@example.org", "--data", place).stdout
    assert shown == "ann@example.org  active  shard 0  0 messages  0 octets  no quota\n"
    assert mailkeep("account", "remove", "ben@example.net", "--yes", "--data", place).returncode == 0
    assert len(mailkeep("account", "list", "--data", place).stdout.splitlines()) == 1


def test_limits_of_an_account_are_set_and_shown(mailkeep: Run, place: Path) -> None:
    mailkeep("account", "set-quota", "ann@example.org", "--quota", "1 GiB", "--mailboxes", "20", "--data", place)
    shown = mailkeep("account", "set-quota", "ann@example.org", "--messages", "9", "--data", place)
    assert [line.split() for line in shown.stdout.splitlines()] == [
        ["octets", "0", "of", "1", "GiB"],
        ["messages", "0", "of", "9"],
        ["mailboxes", "6", "of", "20"],
    ]
    mailkeep("account", "set-quota", "ann@example.org", "--quota", "0", "--messages", "0", "--data", place)
    shown = mailkeep("account", "quota", "ann@example.org", "--data", place)
    assert [line.split(" of ")[1] for line in shown.stdout.splitlines()] == ["any number", "any number", "20"]


def test_the_server_keeps_copies_of_sent_mail_for_who_wants_them(mailkeep: Run, place: Path) -> None:
    for switch, said in (("on", "are kept in its mailbox Sent"), ("off", "are not kept by the server")):
        told = mailkeep("account", "sent-copy", "ann@example.org", switch, "--data", place)
        assert told.stdout == f"Copies of what ann@example.org sends {said}.\n"
    assert mailkeep("account", "sent-copy", "ann@example.org", "maybe", "--data", place).returncode == 2
    assert mailkeep("account", "sent-copy", "eve@example.org", "on", "--data", place).returncode != 0


def test_new_accounts_have_the_configured_quota_unless_another_is_given(mailkeep: Run, store: Path) -> None:
    with (store / "mailkeep.toml").open("a", encoding="utf-8") as config:
        config.write("[accounts]\nquota = '20 MiB'\n")
    for address, more in (("b@example.org", ()), ("c@example.org", ("--quota", "0"))):
        mailkeep("account", "add", address, *more, "--data", store, "--password-stdin", stdin="x\n")
    listed = mailkeep("account", "list", "--data", store).stdout.splitlines()
    assert [line.partition("octets  ")[2] for line in listed] == ["no quota", "quota 20 MiB", "no quota"]


@pytest.mark.parametrize("running", [True, False], ids=["while the server runs", "without a server"])
def test_an_account_is_moved_to_a_shard_that_was_added(
    mailkeep: Run, start: Start, store: Path, *, running: bool
) -> None:
    assert mailkeep("deliver", "--to", "ann@example.org", "--data", store, stdin=MESSAGE).returncode == 0
    config = store / "mailkeep.toml"
    config.write_text("shards = 2\n" + config.read_text("utf-8"), "utf-8")
    server = start("serve", "--data", store) if running else None
    moved = mailkeep("account", "move", "ann@example.org", "1", "--data", store)
    assert (moved.returncode, moved.stdout) == (0, "Account ann@example.org is in shard 1.\n")
    assert "  active  shard 1  1 message  " in mailkeep("account", "list", "--data", store).stdout
    refused = mailkeep("account", "move", "ann@example.org", "2", "--data", store)
    assert (refused.returncode, refused.stderr) == (1, "mailkeep: There are 2 shards, numbered from 0.\n")
    assert mailkeep("deliver", "--to", "ann@example.org", "--data", store, stdin=MESSAGE).returncode == 0
    assert mailkeep("check", "--data", store).returncode == 0
    if server is not None:
        with server.imap() as imap:
            imap.login("ann@example.org", "secret")
            assert imap.select("INBOX") == ("OK", [b"2"])


def test_removing_asks_first(mailkeep: Run, store: Path) -> None:
    done = mailkeep("account", "remove", "ann@example.org", "--data", store, stdin="n\n")
    assert done.returncode == 1
    assert "ann@example.org" in mailkeep("account", "list", "--data", store).stdout


def test_errors_say_what_is_wrong_and_exit_with_1(mailkeep: Run, place: Path) -> None:
    again = mailkeep("account", "add", "ann@example.org", "--data", place, "--password-stdin", stdin="b\n")
    unknown = mailkeep("account", "show", "nobody@example.org", "--data", place)
    for done in (again, unknown):
        assert done.returncode == 1
        assert done.stderr.startswith("mailkeep: ")
        assert "Traceback" not in done.stderr


def test_a_malformed_address_is_wrong_usage(mailkeep: Run, data: Path) -> None:
    done = mailkeep("account", "add", "ann", "--data", data, "--password-stdin", stdin="b\n")
    assert done.returncode == 2
    assert "an address has the form user@domain" in done.stderr
    assert not data.exists()


def test_delivery_reaches_the_inbox(mailkeep: Run, place: Path) -> None:
    done = mailkeep("deliver", "--to", "ann+news@example.org", "--data", place, stdin=MESSAGE)
    assert done.returncode == 0, done.stderr
    listed = mailkeep("mailbox", "list", "ann@example.org", "--data", place).stdout.splitlines()
    names = {line.split()[0]: line for line in listed}
    assert set(names) == {"INBOX", "Sent", "Drafts", "Trash", "Junk", "Archive"}
    assert " 1 message  1 unseen " in names["INBOX"]
    assert names["Trash"].endswith("\\Trash")


def test_delivery_of_a_file_to_several_tells_who_did_not_get_it(mailkeep: Run, store: Path, tmp_path: Path) -> None:
    file = tmp_path / "message.eml"
    file.write_text(MESSAGE, "utf-8")
    done = mailkeep("deliver", file, "--to", "ann@example.org", "--to", "nobody@example.org", "--data", store)
    assert done.returncode == 1
    assert "not delivered to nobody@example.org" in done.stderr
    assert "  1 message  " in mailkeep("account", "show", "ann@example.org", "--data", store).stdout


def test_delivered_mail_appears_at_once_in_an_open_window(mailkeep: Run, start: Start, store: Path) -> None:
    server = start("serve", "--data", store)
    with server.imap() as imap:
        imap.login("ann@example.org", "secret")
        imap.select()
        imap.send(b"i1 IDLE\r\n")
        assert imap.readline().startswith(b"+")
        mailkeep("deliver", "--to", "ann@example.org", "--data", store, stdin=MESSAGE)
        assert imap.readline() == b"* 1 EXISTS\r\n"
        imap.send(b"DONE\r\n")
        while not imap.readline().startswith(b"i1 OK"):
            pass
        data = imap.fetch("1", "BODY.PEEK[]")[1][0][1]
    assert data.startswith(b"Return-Path: <>\r\nDelivered-To: ann@example.org\r\n")
    assert data.endswith(MESSAGE.replace("\n", "\r\n").encode())


def test_a_message_too_large_is_refused(mailkeep: Run, store: Path) -> None:
    with (store / "mailkeep.toml").open("a", encoding="utf-8") as config:
        config.write("[limits]\nmessage_size = '10 KiB'\n")
    done = mailkeep("deliver", "--to", "ann@example.org", "--data", store, stdin=MESSAGE + "x\n" * 10_000)
    assert done.returncode == 1
    assert "larger than" in done.stderr


def test_a_new_password_replaces_the_old_one(mailkeep: Run, start: Start, store: Path) -> None:
    server = start("serve", "--data", store)
    done = mailkeep("account", "password", "ann@example.org", "--data", store, "--password-stdin", stdin="new one\n")
    assert done.returncode == 0
    with server.imap() as imap:
        with pytest.raises(imap.error, match="AUTHENTICATIONFAILED"):
            imap.login("ann@example.org", "secret")
        imap.login("ann@example.org", "new one")


def test_whoever_is_logged_in_to_an_account_that_is_removed_is_told_to_go(
    mailkeep: Run, start: Start, store: Path
) -> None:
    server = start("serve", "--data", store)
    idle, quiet = server.imap(), server.imap()
    with server.imap() as other:
        mailkeep("account", "add", "bob@example.org", "--data", store, "--password-stdin", stdin="secret\n")
        idle.login("ann@example.org", "secret")
        idle.select()
        idle.send(b"i1 IDLE\r\n")
        assert idle.readline().startswith(b"+")
        quiet.login("ann@example.org", "secret")
        other.login("bob@example.org", "secret")
        assert mailkeep("account", "remove", "ann@example.org", "--yes", "--data", store).returncode == 0
        for gone in (idle, quiet):
            assert gone.readline() == b"* BYE This login is no longer valid\r\n"
            assert gone.readline() == b""
            gone.shutdown()
        assert other.noop()[0] == "OK"


def test_a_new_domain_gets_into_the_certificate_at_once(mailkeep: Run, start: Start, store: Path) -> None:
    server = start("serve", "--data", store)
    mailkeep("account", "add", "ben@example.net", "--data", store, "--password-stdin", stdin="b\n")
    with server.imap() as imap:
        assert ("DNS", "autoconfig.example.net") in imap.socket().getpeercert()["subjectAltName"]


def test_expunged_messages_come_back(mailkeep: Run, start: Start, store: Path) -> None:
    server = start("serve", "--data", store)
    mailkeep("deliver", "--to", "ann@example.org", "--data", store, stdin=MESSAGE)
    with server.imap() as imap:
        imap.login("ann@example.org", "secret")
        imap.select()
        imap.store("1", "+FLAGS", r"(\Deleted \Flagged)")
        imap.expunge()
        done = mailkeep("undelete", "ann@example.org", "--mailbox", "INBOX", "--since", "1h", "--data", store)
        assert done.stdout == "1 message back in INBOX.\n", done.stderr
        imap.noop()
        assert imap.search(None, "FLAGGED")[1] == [b"1"]
    again = mailkeep("undelete", "ann@example.org", "--data", store)
    assert again.stdout == "There was nothing to bring back.\n"


def test_check_finds_no_faults_in_good_data(mailkeep: Run, place: Path) -> None:
    mailkeep("deliver", "--to", "ann@example.org", "--data", place, stdin=MESSAGE)
    done = mailkeep("check", "--data", place)
    assert (done.returncode, done.stdout) == (0, "No faults found.\n")


def test_check_says_what_is_wrong_with_the_text_index_and_repairs_it(mailkeep: Run, store: Path) -> None:
    db = apsw.Connection(str(store / "shard-0000.db"))
    version = f"{VERSION}, 1, x''"
    db.execute(f"INSERT INTO text_index VALUES (1, {version}); UPDATE account SET next_message = 5").fetchall()
    db.close()
    found = mailkeep("check", "--data", store)
    assert found.returncode == 1
    assert "ann@example.org: text index: segment 0 has no body\n" in found.stdout
    repaired = mailkeep("check", "--repair", "--data", store)
    assert repaired.returncode == 0
    assert "ann@example.org: text index: segment 0 has no body; it is built anew\n" in repaired.stdout
    assert mailkeep("check", "--data", store).stdout == "No faults found.\n"


def test_the_data_is_found_by_the_environment_and_by_the_configuration(
    mailkeep: Run, store: Path, tmp_path: Path
) -> None:
    config = tmp_path / "elsewhere.toml"
    config.write_text(f'data_dir = "{store}"\n', "utf-8")
    ways = (
        mailkeep("account", "list", env={"MAILKEEP_DATA": str(store)}),
        mailkeep("account", "list", "--config", config),
        mailkeep("account", "list", env={"MAILKEEP_CONFIG": str(config)}),
    )
    for done in ways:
        assert done.stdout.startswith("ann@example.org"), done.stderr


def test_a_missing_data_directory_is_explained(mailkeep: Run, data: Path) -> None:
    done = mailkeep("account", "list", "--data", data)
    assert done.returncode == 2
    assert f"there is no data directory {data}" in done.stderr
    assert not data.exists()


def test_a_data_directory_that_cannot_be_used_is_explained(mailkeep: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for command in (("serve",), ("account", "add", "ann@example.org", "--password-stdin")):
        done = mailkeep(*command, "--data", tmp_path / "file", stdin="secret\n")
        assert done.returncode in (1, 2)
        assert str(tmp_path / "file") in done.stderr
        assert "Traceback" not in done.stderr


def test_a_lost_or_damaged_database_is_named_and_never_made_anew(mailkeep: Run, store: Path) -> None:
    shard = store / "shard-0000.db"
    shard.rename(store / "aside")
    for _ in range(2):
        done = mailkeep("account", "list", "--data", store)
        assert done.returncode == 1
        assert f"{shard} is missing" in done.stderr
    shard.write_bytes(b"not a database" * 1000)
    done = mailkeep("account", "list", "--data", store)
    assert done.returncode == 1
    assert str(shard) in done.stderr


def test_passwords_come_from_a_file_too_and_never_from_nowhere(mailkeep: Run, data: Path, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("from a file\nsecond line\n", "utf-8")
    assert mailkeep("account", "add", "a@example.org", "--password-file", file, "--data", data).returncode == 0
    without = mailkeep("account", "add", "b@example.org", "--data", data)
    assert without.returncode == 2
    assert "--password-stdin" in without.stderr


def test_config_check_and_show(mailkeep: Run, store: Path) -> None:
    assert mailkeep("config", "check", "--data", store).stdout == f"{store / 'mailkeep.toml'} is right.\n"
    shown = mailkeep("config", "show", "--data", store).stdout
    assert f'data_dir = "{store}"' in shown
    (store / "mailkeep.toml").write_text("shards = 0\n", "utf-8")
    done = mailkeep("config", "check", "--data", store)
    assert done.returncode == 2
    assert "mailkeep.toml:1: shards: 0 is not allowed" in done.stderr


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("filter.hook", '[filter]\nhook = "mine"\n'),
        ("outbound.authorities", '[outbound]\nauthorities = "mine"\n'),
        ("relay.password_file", '[relay]\nhost = "smtp.example.net"\nuser = "ann"\npassword_file = "mine"\n'),
    ],
)
def test_files_that_cannot_be_used_are_found_before_mail_comes(
    mailkeep: Run, store: Path, option: str, text: str
) -> None:
    (store / "mailkeep.toml").write_text(text, "utf-8")
    for command in (("config", "check"), ("serve",)):
        done = mailkeep(*command, "--data", store)
        assert done.returncode == 2
        assert f"{option}: {store / 'mine'}: cannot be" in done.stderr


def test_a_hook_that_is_no_python_is_found_before_mail_comes(mailkeep: Run, store: Path) -> None:
    (store / "mailkeep.toml").write_text('[filter]\nhook = "mine"\n', "utf-8")
    (store / "mine").write_text("def on_delivery(message:\n", "utf-8")
    done = mailkeep("config", "check", "--data", store)
    assert done.returncode == 2
    assert "(mine, line 1)" in done.stderr


def test_unknown_commands_and_options_are_wrong_usage(mailkeep: Run) -> None:
    assert mailkeep("frobnicate").returncode == 2
    assert mailkeep("serve", "--frobnicate").returncode == 2


def test_help_and_version(mailkeep: Run) -> None:
    commands = ("demo", "init", "serve", "account", "mailbox", "deliver", "undelete", "check", "config")
    shown = mailkeep("--help").stdout
    assert all(command in shown for command in commands)
    assert mailkeep("--version").stdout.startswith("mailkeep ")


def test_nobody_listening_is_not_running(tmp_path: Path) -> None:
    with pytest.raises(NotRunning):
        call(tmp_path / "control.sock", "check", b"\x80")


def test_an_answer_that_never_comes_leaves_the_outcome_unknown(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1)
        listener.settimeout(10)
        import threading

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(10)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(OutcomeUnknown):
            call(path, "check", b"\x80")
        thread.join()


@contextmanager
def _nobody() -> Iterator[None]:
    """An ordinary user, as root may open every socket."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_the_socket_of_another_user_is_explained() -> None:
    with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX) as bound:
        Path(directory).chmod(0o755)
        path = Path(directory) / "control.sock"
        bound.bind(str(path))
        path.chmod(0)
        with _nobody(), pytest.raises(Unavailable, match="another user"):
            call(path, "account list", b"")
