import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from tests.cannot_run import cannot_run

from mailkeep.cli.notify import notify
from mailkeep.cli.systemd import Unit, has_low_ports, unit_for
from mailkeep.config import FREE_PORTS, Address, Config, Listen


def unit(*, low_ports: bool = True, data: str = "/var/lib/mailkeep", start: tuple[str, ...] = ("/bin/true",)) -> Unit:
    return Unit(user="daemon", start=start, data=Path(data), paths=(Path(start[0]),), low_ports=low_ports)


def value(text: str, name: str) -> str:
    [found] = [line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{name}=")]
    return found


def test_systemd_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        cannot_run("systemd-analyze is not installed")
    file = tmp_path / "mailkeep.service"
    file.write_text(unit(start=("/bin/true", "serve", "--config", "/srv/my mail/50%$x.toml")).text(), "utf-8")
    done = subprocess.run(("systemd-analyze", "verify", "--man=no", file), capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")


def test_only_low_ports_need_the_right_to_take_them() -> None:
    assert value(unit().text(), "AmbientCapabilities") == "CAP_NET_BIND_SERVICE"
    assert value(unit(low_ports=False).text(), "CapabilityBoundingSet") == ""
    assert has_low_ports(Config(listen=Listen(imaps=Address("*", 993))))
    assert not has_low_ports(Config(listen=FREE_PORTS))
    assert not has_low_ports(Config())


def test_words_are_quoted_as_systemd_reads_them() -> None:
    text = unit(start=("/opt/mail keep/mailkeep", "serve", "--config", '/srv/50%/$x"y.toml')).text()
    assert value(text, "ExecStart") == '"/opt/mail keep/mailkeep" serve --config "/srv/50%%/$$x\\"y.toml"'


def test_homes_are_hidden_unless_something_of_it_lies_there() -> None:
    assert value(unit().text(), "ProtectHome") == "yes"
    assert value(unit(data="/home/ann/mail").text(), "ProtectHome") == "read-only"
    assert value(unit(data="/home/ann/mail").text(), "ReadWritePaths") == "/home/ann/mail"


def test_it_starts_the_server_as_it_is_found() -> None:
    config = Config(data_dir=Path("/srv/mail"))
    assert unit_for(config, None, "ann", ("/usr/bin/python3", "-m", "mailkeep")).start == (
        "/usr/bin/python3",
        "-m",
        "mailkeep",
        "serve",
        "--data",
        "/srv/mail",
    )


@pytest.mark.parametrize("abstract", [False, True], ids=["a file", "an abstract name"])
def test_a_service_manager_that_asks_for_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool
) -> None:
    name = f"@mailkeep-{tmp_path.name}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name.replace("@", "\0", 1) if abstract else name)
        manager.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        notify("READY=1")
        assert manager.recv(100) == b"READY=1"


@pytest.mark.parametrize("name", ["", "nonsense", "/nowhere/at/all"])
def test_where_nobody_listens_nobody_is_told(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    notify("READY=1")
