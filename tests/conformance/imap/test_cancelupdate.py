"""CONTEXT=SEARCH: searches whose results are kept up to date, and CANCELUPDATE (RFC 5267 §4)."""

from __future__ import annotations

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient, Reply

pytestmark = [pytest.mark.rfc("5267", "4.3"), pytest.mark.usefixtures("ours")]


@pytest.fixture
def five(client: ImapClient) -> ImapClient:
    client.ok("CREATE box")  # where UIDs begin with 1
    for number in range(1, 6):
        client.append("box", simple_message(number, text=f"word{number}"), *["(\\Flagged)"] * (number % 2))
    client.ok("SELECT box")
    return client


@pytest.fixture
def other(second: ImapClient) -> ImapClient:
    second.ok("SELECT box")
    return second


def updates(reply: Reply) -> list[tuple[str, str, list[int]]]:
    """(tag, ADDTO or REMOVEFROM, what), in order; positions are those of SEARCH."""
    out = []
    for response in reply.all("ESEARCH"):
        for word in ("REMOVEFROM", "ADDTO"):
            for position, what in response.data.get(word, ()):
                assert position == 0
                out.append((response.data["TAG"], word, what))
    return out


def begin(client: ImapClient, tag: str, key: str, command: str = "UID SEARCH") -> None:
    client.send(f"{tag} {command} RETURN (UPDATE COUNT) {key}\r\n".encode())
    client.finish(tag)


def test_flags_set_and_taken_away_are_told_after_their_cause(five: ImapClient, other: ImapClient) -> None:
    begin(five, "B01", "FLAGGED")
    other.ok("STORE 2,4 +FLAGS (\\Flagged)")
    other.ok("STORE 1 -FLAGS (\\Flagged)")
    reply = five.ok("NOOP")
    assert updates(reply) == [("B01", "REMOVEFROM", [1]), ("B01", "ADDTO", [2, 4])]
    kinds = [response.kind for response in reply.untagged]
    assert kinds.index("FETCH") < len(kinds) - 1 - kinds[::-1].index("ESEARCH")
    assert updates(five.ok("NOOP")) == []


def test_an_update_is_byte_for_byte_that_of_the_rfc(five: ImapClient) -> None:
    begin(five, "B01", "DELETED KEYWORD $Junk")
    five.ok("STORE 2:3 +FLAGS (\\Deleted)")
    five.send(b"a1 STORE 2:3 +FLAGS.SILENT ($Junk)\r\n")
    assert five.read_raw().startswith(b"* FLAGS")
    assert five.read_raw().startswith(b"* OK [PERMANENTFLAGS")
    assert five.read_raw() == b'* ESEARCH (TAG "B01") UID ADDTO (0 2:3)\r\n'
    five.finish("a1")


def test_new_mail_is_told_after_exists(five: ImapClient, other: ImapClient) -> None:
    begin(five, "C1", "UNSEEN", "SEARCH")
    begin(five, "C2", "BODY word7")
    for number in (6, 7):
        other.append("box", simple_message(number, text=f"word{number}"))
    reply = five.ok("NOOP")
    assert sorted(updates(reply)) == [("C1", "ADDTO", [6, 7]), ("C2", "ADDTO", [7])]
    kinds = [response.kind for response in reply.untagged]
    assert kinds.index("EXISTS") < kinds.index("ESEARCH")


def test_what_is_expunged_is_told_before_it_loses_its_number(five: ImapClient, other: ImapClient) -> None:
    begin(five, "C1", "FLAGGED", "SEARCH")
    begin(five, "C2", "FLAGGED")
    other.ok("STORE 2:3 +FLAGS (\\Deleted)")
    other.ok("EXPUNGE")
    reply = five.ok("NOOP")
    assert updates(reply) == [("C1", "REMOVEFROM", [3]), ("C2", "REMOVEFROM", [3])]
    kinds = [response.kind for response in reply.untagged]
    assert len(kinds) - kinds[::-1].index("ESEARCH") <= kinds.index("EXPUNGE")


def test_an_expunge_is_told_at_once_where_numbers_must_wait(five: ImapClient, other: ImapClient) -> None:
    """appendix A.3"""
    begin(five, "C1", "ALL", "SEARCH")
    other.ok("STORE 2 +FLAGS (\\Deleted)")
    other.ok("EXPUNGE")
    reply = five.ok("FETCH 1 FLAGS")
    assert updates(reply) == [("C1", "REMOVEFROM", [2])]
    assert reply.expunged == []
    reply = five.ok("NOOP")
    assert updates(reply) == []
    assert reply.expunged == [2]


def test_idle_tells_at_once(five: ImapClient, other: ImapClient) -> None:
    begin(five, "C1", "FLAGGED")
    five.send(b"i1 IDLE\r\n")
    assert five.read_raw().startswith(b"+ ")
    other.ok("STORE 2 +FLAGS (\\Flagged)")
    assert five.read_raw().startswith(b"* 2 FETCH")
    assert five.read_raw() == b'* ESEARCH (TAG "C1") UID ADDTO (0 2)\r\n'
    five.send(b"DONE\r\n")
    five.finish("i1")


def test_message_numbers_are_those_of_the_time_of_the_command(five: ImapClient, other: ImapClient) -> None:
    begin(five, "C1", "2:3 UNSEEN")
    begin(five, "C2", "UID 4:* UNSEEN")
    other.ok("STORE 1 +FLAGS (\\Deleted)")
    other.ok("EXPUNGE")
    five.ok("NOOP")
    other.ok("STORE 1,3 +FLAGS (\\Seen)")  # now what were 2 and 4
    other.append("box", simple_message(6))
    assert sorted(updates(five.ok("NOOP"))) == [
        ("C1", "REMOVEFROM", [2]),
        ("C2", "ADDTO", [6]),
        ("C2", "REMOVEFROM", [4]),
    ]


def test_a_keyword_that_comes_into_being_later_counts(five: ImapClient, other: ImapClient) -> None:
    begin(five, "C1", "KEYWORD NotYetThere")
    other.ok("STORE 4 +FLAGS (NotYetThere)")
    assert updates(five.ok("NOOP")) == [("C1", "ADDTO", [4])]


def test_what_happened_before_the_search_but_was_not_told_is_not_lost(five: ImapClient, other: ImapClient) -> None:
    other.append("box", simple_message(6), "(\\Flagged)")
    five.send(b"C1 UID SEARCH RETURN (UPDATE ALL) FLAGGED\r\n")
    reply = five.finish("C1")
    told = [n for response in reply.all("ESEARCH") for n in response.data.get("ALL", ())]
    told += [n for _, _, what in updates(reply) for n in what]
    assert sorted(told) == [1, 3, 5, 6]


def test_the_same_tag_is_not_used_twice(five: ImapClient) -> None:
    begin(five, "B01", "FLAGGED")
    five.send(b"B01 SEARCH RETURN (UPDATE) SEEN\r\n")
    assert five.finish("B01").kind == "BAD"
    five.ok("STORE 2 +FLAGS (\\Flagged \\Seen)")
    begin_again = five.ok("NOOP")
    assert updates(begin_again) == []


def test_cancelupdate_ends_it(five: ImapClient, other: ImapClient) -> None:
    begin(five, "B01", "FLAGGED")
    begin(five, "B02", "FLAGGED")
    five.ok('CANCELUPDATE "B01"')
    other.ok("STORE 2 +FLAGS (\\Flagged)")
    assert updates(five.ok("NOOP")) == [("B02", "ADDTO", [2])]
    five.bad('CANCELUPDATE "B01"')
    five.ok('CANCELUPDATE "B02" "B02"')
    begin(five, "B01", "FLAGGED")


@pytest.mark.parametrize("line", ["CANCELUPDATE", "CANCELUPDATE B01", 'CANCELUPDATE "x"', 'CANCELUPDATE "a"  "b"'])
def test_malformed_commands_are_refused(five: ImapClient, line: str) -> None:
    five.bad(line)


def test_another_mailbox_ends_it(five: ImapClient, other: ImapClient) -> None:
    begin(five, "B01", "FLAGGED")
    five.ok("SELECT box")
    other.ok("STORE 2 +FLAGS (\\Flagged)")
    assert updates(five.ok("NOOP")) == []
    five.bad('CANCELUPDATE "B01"')


def test_too_many_are_refused_and_the_rest_is_answered(five: ImapClient) -> None:
    """§4.3.1"""
    for number in range(20):
        begin(five, f"B{number}", "FLAGGED")
    five.send(b"B20 SEARCH RETURN (UPDATE COUNT) FLAGGED\r\n")
    reply = five.finish("B20")
    assert reply.one("ESEARCH")["COUNT"] == 3
    [refusal] = reply.all("NO")
    assert refusal.code
    assert (refusal.code.name, refusal.code.args) == ("NOUPDATE", "B20")
    assert reply.kind == "OK"


def test_update_alone_and_context_tell_no_results(five: ImapClient) -> None:
    five.send(b"a1 UID SEARCH RETURN (UPDATE CONTEXT) FLAGGED\r\n")
    assert five.read_raw() == b'* ESEARCH (TAG "a1") UID\r\n'
    five.finish("a1")


def test_context_is_taken_and_changes_nothing(five: ImapClient, other: ImapClient) -> None:
    """§4.2"""
    assert five.ok("SEARCH RETURN (CONTEXT COUNT) FLAGGED").one("ESEARCH")["COUNT"] == 3
    other.ok("STORE 2 +FLAGS (\\Flagged)")
    assert updates(five.ok("NOOP")) == []


def test_a_search_of_the_selected_mailbox_by_esearch_names_it(five: ImapClient, other: ImapClient) -> None:
    begin(five, "E1", "FLAGGED", "ESEARCH")
    other.ok("STORE 2 +FLAGS (\\Flagged)")
    data = five.ok("NOOP").one("ESEARCH")
    assert (data["MAILBOX"], data["TAG"], data["ADDTO"]) == ("box", "E1", [(0, [2])])


def test_a_client_with_qresync_sees_the_same(five: ImapClient, other: ImapClient) -> None:
    five.ok("ENABLE QRESYNC")
    begin(five, "C1", "ALL")
    other.ok("STORE 1,3 +FLAGS (\\Deleted)")
    other.ok("EXPUNGE")
    other.append("box", simple_message(6))
    reply = five.ok("UID FETCH 2 FLAGS")
    assert updates(reply) == [("C1", "REMOVEFROM", [1, 3]), ("C1", "ADDTO", [6])]
    kinds = [response.kind for response in reply.untagged]
    assert kinds.index("ESEARCH") < kinds.index("VANISHED")


# --- CONTEXT=SORT


def placed(reply: Reply) -> list[tuple[str, int, list[int]]]:
    """(ADDTO or REMOVEFROM, position, what), in order."""
    return [
        (word, position, what)
        for response in reply.all("ESEARCH")
        for word in ("REMOVEFROM", "ADDTO")
        for position, what in response.data.get(word, ())
    ]


def test_what_comes_into_a_sort_is_told_with_its_place(five: ImapClient, other: ImapClient) -> None:
    begin(five, "B02", "(REVERSE ARRIVAL SUBJECT) UTF-8 FLAGGED", "UID SORT")
    assert placed(five.ok("NOOP")) == []
    other.ok("STORE 2,4 +FLAGS (\\Flagged)")
    other.ok("STORE 3 -FLAGS (\\Flagged)")
    told = five.ok("NOOP")
    results = follow([1, 3, 5], placed(told))
    assert sorted(results) == [1, 2, 4, 5]
    assert results == five.ok("UID SORT (REVERSE ARRIVAL SUBJECT) UTF-8 FLAGGED").one("SORT")["numbers"]


def test_runs_keep_the_order_of_the_sort(five: ImapClient, other: ImapClient) -> None:
    before = five.ok("UID SORT (SIZE) UTF-8 UNSEEN").one("SORT")["numbers"]
    begin(five, "B02", "(SIZE) UTF-8 UNSEEN", "UID SORT")
    for size in (9000, 1, 5000, 3000):
        other.append("box", b"Subject: new\r\n\r\n" + b"x" * size)
    told = placed(five.ok("NOOP"))
    assert told == [("ADDTO", 1, [7]), ("ADDTO", 7, [9, 8, 6])]
    other.ok("STORE 1:3,9 +FLAGS (\\Seen)")
    results = follow(follow(before, told), placed(five.ok("NOOP")))
    assert results == five.ok("UID SORT (SIZE) UTF-8 UNSEEN").one("SORT")["numbers"]


def test_what_is_expunged_leaves_a_sort_before_its_number_goes(five: ImapClient, other: ImapClient) -> None:
    begin(five, "B02", "(REVERSE SUBJECT) UTF-8 ALL", "SORT")
    order = five.ok("SORT (REVERSE SUBJECT) UTF-8 ALL").one("SORT")["numbers"]
    other.ok("STORE 2,3 +FLAGS (\\Deleted)")
    other.ok("EXPUNGE")
    assert sorted(n for _, _, what in placed(five.ok("NOOP")) for n in what) == [2, 3]
    assert len(order) == 5


@pytest.mark.rfc("5267", "4.3.1")
def test_a_sort_by_relevancy_is_not_kept_up_to_date(five: ImapClient) -> None:
    five.send(b"B02 SORT RETURN (UPDATE COUNT) (RELEVANCY) UTF-8 FUZZY TEXT word1\r\n")
    reply = five.finish("B02")
    assert [r.code.args for r in reply.all("NO") if r.code and r.code.name == "NOUPDATE"] == ["B02"]
    assert reply.one("ESEARCH")["COUNT"] == 1


@pytest.mark.rfc("5267", "4.3.5")
def test_a_sort_is_cancelled_like_a_search(five: ImapClient) -> None:
    begin(five, "B02", "(SIZE) UTF-8 FLAGGED", "UID SORT")
    five.ok('CANCELUPDATE "B02"')
    assert placed(five.ok("STORE 2 +FLAGS (\\Flagged)")) == []


def follow(results: list[int], changes: list[tuple[str, int, list[int]]]) -> list[int]:
    """What a client holds after these changes."""
    results = list(results)
    for word, position, what in changes:
        start = position - 1
        if word == "ADDTO":
            results[start:start] = what
        else:
            assert results[start : start + len(what)] == what
            del results[start : start + len(what)]
    return results


class Sorted:
    """What a client does that follows a SORT: it keeps the results in order, as RFC 5267 §4.3.3 and §4.3.4 say."""

    def __init__(self, client: ImapClient, tag: str, criteria: str, key: str, command: str = "UID SORT") -> None:
        self.client, self.tag, self.criteria, self.key, self.command = client, tag, criteria, key, command
        client.send(f"{tag} {command} RETURN (UPDATE ALL) {criteria} UTF-8 {key}\r\n".encode())
        reply = client.finish(tag)
        assert reply.kind == "OK"
        self.results: list[int] = reply.one("ESEARCH").get("ALL", [])

    def heed(self, reply: Reply) -> None:
        for response in reply.untagged:
            if response.kind == "ESEARCH" and response.data["TAG"] == self.tag:
                for position, what in response.data.get("REMOVEFROM", ()):
                    assert self.results[position - 1 : position - 1 + len(what)] == what
                    del self.results[position - 1 : position - 1 + len(what)]
                for position, what in response.data.get("ADDTO", ()):
                    assert position >= 1
                    self.results[position - 1 : position - 1] = what
            elif response.kind == "EXPUNGE" and not self.command.startswith("UID"):
                assert response.number is not None
                assert response.number not in self.results
                self.results = [n - (n > response.number) for n in self.results]

    def check(self) -> None:
        present = self.client.ok(f"{self.command} RETURN () {self.criteria} UTF-8 {self.key}").one("ESEARCH")
        assert self.results == present.get("ALL", [])


@pytest.mark.parametrize("command", ["UID SORT", "SORT"])
def test_the_results_of_a_sort_are_kept_in_order(five: ImapClient, other: ImapClient, command: str) -> None:
    """CONTEXT=SORT: §4.3.3, §4.3.4"""
    by_subject = Sorted(five, "S1", "(REVERSE SUBJECT)", "UNDELETED", command)
    by_size = Sorted(five, "S2", "(SIZE SUBJECT)", "FLAGGED", command)
    number = 5
    for step in (
        "STORE 2,4 +FLAGS (\\Flagged)",
        "STORE 1,3,5 -FLAGS (\\Flagged)",
        "APPEND 3",
        "STORE 1:3 +FLAGS (\\Deleted)",
        "EXPUNGE",
        "STORE 1:* +FLAGS (\\Flagged)",
        "APPEND 2",
        "STORE 2:3 +FLAGS (\\Deleted)",
        "STORE 2:3 -FLAGS (\\Deleted)",
        "STORE 1:* +FLAGS (\\Deleted)",
        "EXPUNGE",
    ):
        if step.startswith("APPEND"):
            for _ in range(int(step[-1])):
                number += 1
                other.append("box", simple_message(number % 4, text="x" * (number % 3)), "(\\Flagged)")
        else:
            other.ok(step)
        reply = five.ok("NOOP")
        for context in (by_subject, by_size):
            context.heed(reply)
            context.check()
    assert by_subject.results == []


def test_a_tag_of_a_search_is_not_used_by_a_sort(five: ImapClient) -> None:
    """§4.3: the example"""
    begin(five, "B01", "FLAGGED")
    five.send(b"B01 SORT RETURN (UPDATE) (ARRIVAL) UTF-8 FLAGGED\r\n")
    assert five.finish("B01").kind == "BAD"
