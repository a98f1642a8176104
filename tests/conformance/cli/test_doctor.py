"""mailkeep doctor, as an administrator runs it."""

from __future__ import annotations

import dataclasses
import json
import socket
from pathlib import Path
from typing import Any

from tests.conformance.cli.conftest import Run, Start
from tests.dns_server import dns_server

from mailkeep.config import Listen

FAST = ("--only", "server", "--only", "ports", "--only", "certificate", "--only", "disk", "--only", "store")


def examine(mailkeep: Run, data: Path, *options: str) -> tuple[int, list[dict[str, str]]]:
    """Exit status, and what was found."""
    done = mailkeep("doctor", "--json", "--data", data, *options)
    answer: dict[str, Any] = json.loads(done.stdout)
    assert answer["good"] is (done.returncode == 0)
    return done.returncode, answer["findings"]


def use_ports(data: Path, **listen: str) -> None:
    others = dict.fromkeys((field.name for field in dataclasses.fields(Listen) if field.type == "Address | None"), "")
    lines = "".join(f'{name} = "{where}"\n' for name, where in {**others, **listen}.items())
    (data / "mailkeep.toml").write_text(f'hostname = "localhost"\n[listen]\n{lines}', "utf-8")


def test_a_server_at_rest_is_told_what_it_needs(mailkeep: Run, store: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        use_ports(store, imap=f"127.0.0.1:{taken}", imaps="", smtp="", submission="", submissions="", lmtp="")
        status, found = examine(mailkeep, store, *FAST)
    assert status == 1
    by_subject = {finding["subject"]: finding for finding in found}
    assert by_subject["process"]["text"] == "no server runs on this data"
    assert by_subject["process"]["todo"].endswith(f"serve --config {store / 'mailkeep.toml'}")
    [port] = [finding for finding in found if finding["text"].endswith("listens there")]
    assert (port["level"], port["subject"]) == ("fault", f"imap 127.0.0.1:{taken}")
    assert {finding["area"] for finding in found} == {"server", "ports", "certificate", "disk", "store"}
    assert by_subject["directory.db"]["text"] == "is whole"


def test_a_running_server_whose_names_dns_has_is_well(mailkeep: Run, start: Start, store: Path) -> None:
    with dns_server("localhost. A 127.0.0.1") as dns:
        with (store / "mailkeep.toml").open("a", encoding="utf-8") as config:
            config.write(f'[dns]\nnameservers = ["{dns.host}:{dns.port}"]\n')
        server = start("serve", "--data", store)
        ports = {name: f"127.0.0.1:{where[1]}" for name, where in server.ready.items() if isinstance(where, list)}
        use_ports(store, **ports)  # the configuration as it would be with fixed ports
        with (store / "mailkeep.toml").open("a", encoding="utf-8") as config:
            config.write(f'[dns]\nnameservers = ["{dns.host}:{dns.port}"]\n')
        mailkeep("domain", "add", "example.org", "--data", store)
        status, found = examine(mailkeep, store)
        wrong = [finding for finding in found if finding["level"] == "fault"]
        assert status == 1
        assert {finding["area"] for finding in wrong} == {"dns"}
        answers = {finding["subject"].split()[0] for finding in found if finding["text"] == "answers"}
        assert {"imap", "imaps", "smtp", "submission", "submissions", "lmtp"} <= answers
        fragment = mailkeep("domain", "dns", "example.org", "--data", store).stdout
        dns.zones(f"{fragment}\nlocalhost. A 127.0.0.1\n1.0.0.127.in-addr.arpa. PTR localhost.\n")
        well = mailkeep("doctor", "--quiet", "--data", store)
        assert well.returncode == 0, well.stdout
        assert "FAULT" not in well.stdout
        assert well.stdout.splitlines()[-1].startswith("Nothing is wrong; ")
        assert "  good  " not in well.stdout


def test_without_a_data_directory_it_says_how_to_make_one(mailkeep: Run, data: Path) -> None:
    done = mailkeep("doctor", "--data", data)
    assert done.returncode == 2
    assert "mailkeep init" in done.stderr


def test_where_there_are_no_data_yet_it_makes_none(mailkeep: Run, data: Path) -> None:
    data.mkdir(mode=0o700)
    use_ports(data)
    _, found = examine(mailkeep, data, *FAST, "--only", "queue", "--only", "dns")
    assert "there is none yet" in [finding["text"] for finding in found]
    assert [path.name for path in data.iterdir()] == ["mailkeep.toml"]
