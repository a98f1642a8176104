"""Thunderbird, told an address and a password and nothing else."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest
from tests.clients.provider import ANN, DOMAIN, HOST, Provider
from tests.clients.thunderbird import Thunderbird

HUB = "const hub = document.querySelector('account-hub-container')?.shadowRoot;"
IS_SHOWN = f"{HUB} const step = hub?.querySelector(arguments[0]); return !!step && !step.hidden;"
NEXT = f"{HUB} hub.querySelector('account-hub-footer #forward').click();"
TYPE = f"""{HUB}
    const field = hub.querySelector(arguments[0]);
    field.value = arguments[1];
    field.dispatchEvent(new Event('input', {{ bubbles: true }}));
"""
ACCOUNTS = """
    const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
    const accounts = MailServices.accounts.accounts.filter(a => a.incomingServer.type != "none");
"""
FOLDERS = f"{ACCOUNTS} return accounts.flatMap(a => a.incomingServer.rootFolder.descendants.map(f => f.name));"


@pytest.fixture(scope="module")
def thunderbird(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Thunderbird]:
    home = tmp_path_factory.mktemp("thunderbird")
    ports = {443: provider.ports["https"], 80: provider.ports["http"]}
    with Thunderbird(home, ports, provider.authority) as running:
        yield running


@pytest.fixture(scope="module")
def set_up(thunderbird: Thunderbird) -> Thunderbird:
    """Ann has typed her name, her address and her password into the windows that ask for them."""
    thunderbird.run("await openAccountHub('MAIL');")
    thunderbird.until(IS_SHOWN, "email-auto-form")
    thunderbird.run(TYPE, "email-auto-form #realName", "Ann")
    thunderbird.run(TYPE, "email-auto-form #email", ANN.user)
    thunderbird.run(NEXT)
    thunderbird.until(IS_SHOWN, "email-config-found")
    thunderbird.run(NEXT)
    thunderbird.until(IS_SHOWN, "email-password-form")
    thunderbird.run(TYPE, "email-password-form #password", ANN.password)
    thunderbird.run(NEXT)
    thunderbird.until(IS_SHOWN, "email-added-success")
    return thunderbird


def test_it_finds_the_servers_by_itself(set_up: Thunderbird, provider: Provider) -> None:
    found = set_up.run(
        f"""{ACCOUNTS}
        const sender = MailServices.outgoingServer.defaultServer.QueryInterface(Ci.nsISmtpServer);
        return accounts.map(a => a.incomingServer).concat([sender])
          .map(s => [s.type, s.hostname ?? s.hostName, s.port, s.username, s.socketType]);
        """
    )
    tls = set_up.run("return Ci.nsMsgSocketType.SSL;")
    assert found == [
        ["imap", HOST, provider.ports["imaps"], ANN.user, tls],
        ["smtp", HOST, provider.ports["submissions"], ANN.user, tls],
    ]


def test_it_logs_in_and_sees_the_mailboxes(set_up: Thunderbird) -> None:
    set_up.until(f"return (await (async () => {{ {FOLDERS} }})()).includes('Junk');")
    assert set(set_up.run(FOLDERS)) >= {"INBOX", "Sent", "Drafts", "Trash", "Junk", "Archive"}


def test_the_code_for_its_program_on_phones_is_what_it_would_export_itself(
    set_up: Thunderbird, provider: Provider
) -> None:
    exported = set_up.run(
        f"""{ACCOUNTS}
        const {{ QRExport }} = ChromeUtils.importESModule("moz-src:///comm/mail/modules/QRExport.sys.mjs");
        return QRExport.getQRData(await QRExport.getAccountData(accounts[0].key, false), 1, 1);
        """
    )
    version, part, incoming, ((outgoing, *identities),) = exported
    assert incoming[6:] == [ANN.user, ""]  # the account's name, which is taken from the address, and no password
    assert outgoing[6:] == [""]
    assert identities == [[ANN.user, "Ann"]]
    ours = json.loads(code_of(provider))
    assert ours == [version, part, incoming[:6], [[outgoing[:6], [ANN.user, ""]]]]


def code_of(provider: Provider) -> str:
    from mailkeep.service.discovery.account_code import account_code
    from mailkeep.service.wellknown import Site

    ports = {name: provider.ports[name] for name in ("imaps", "submissions")}
    return account_code(ANN.user, Site(hostname=HOST, **ports))


def test_its_question_for_an_exchange_server_is_answered_at_once_and_its_password_is_not_written_down(
    thunderbird: Thunderbird, provider: Provider
) -> None:
    """It sends the password with its question, and waits for the answer before it shows what it found elsewhere."""
    told = thunderbird.run(
        """
        const { fetchConfigFromExchange } = ChromeUtils.importESModule(
          "resource:///modules/accountcreation/ExchangeAutoDiscover.sys.mjs");
        const [domain, user, password] = arguments;
        const start = Date.now();
        const refuse = async () => { throw new Error("no other host is asked"); };
        const config = await fetchConfigFromExchange(domain, user, new AbortController().signal, user, password, refuse)
          .catch(error => null);
        return { took: Date.now() - start, kinds: config && [config.incoming.type] };
        """,
        DOMAIN,
        ANN.user,
        "password of the question",
    )
    assert told["took"] < 5000
    assert told["kinds"] in (None, ["imap"])
    log = provider.log.read_text()
    credentials = base64.b64encode(f"{ANN.user}:password of the question".encode()).decode()
    assert "/autodiscover/autodiscover.xml" in log
    for secret in ("password of the question", credentials, ANN.password):
        assert secret not in log
