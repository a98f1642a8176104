from pathlib import Path

import pytest

from mailkeep.config import Address, Config, ConfigError, Imap, Limits, load, options, parse, read_place, show

FILE = Path("/etc/mailkeep/mailkeep.toml")


def test_an_empty_file_is_the_default_configuration() -> None:
    assert parse('data_dir = "/srv/mail"', FILE) == Config(data_dir=Path("/srv/mail"))


def test_every_kind_of_option_is_read() -> None:
    config = parse(
        """
        data_dir = "data"
        hostname = "Mail.Example.ORG"
        shards = 4
        listen.imap = "*:143"
        listen.imaps = "[2001:db8::1]:993"
        listen.lmtp = ""
        tls = {certificate = "cert.pem", key = "/keys/key.pem", names = ["imap.example.net"]}
        auth.throttle = false
        [limits]
        message_size = "100 MiB"
        line_length = 16384
        [imap]
        literal = "minus"
        disable = ["qresync", "AUTH=LOGIN", "QRESYNC"]
        """,
        FILE,
    )
    assert config.data_dir == Path("/etc/mailkeep/data")
    assert config.hostname == "mail.example.org"
    assert config.shards == 4
    assert config.listen.imap == Address("*", 143)
    assert config.listen.imaps == Address("2001:db8::1", 993)
    assert config.listen.lmtp is None
    assert config.tls.certificate == Path("/etc/mailkeep/cert.pem")
    assert config.tls.key == Path("/keys/key.pem")
    assert config.tls.names == ("imap.example.net",)
    assert not config.auth.throttle
    assert config.limits == Limits(message_size=100 << 20, line_length=16384)
    assert config.imap == Imap(literal="minus", disable=("QRESYNC", "AUTH=LOGIN"))


def test_name_servers_are_addresses_with_or_without_a_port() -> None:
    config = parse('dns.nameservers = ["192.0.2.53", "127.0.0.1:5353", "[2001:db8::1]", "[::1]:54"]', FILE)
    assert config.dns.nameservers == (
        Address("192.0.2.53", 53),
        Address("127.0.0.1", 5353),
        Address("2001:db8::1", 53),
        Address("::1", 54),
    )
    assert parse(show(config), FILE) == config


@pytest.mark.parametrize(
    "text", ["ns.example.org", "192.0.2", "192.0.2.1:0", "192.0.2.1:65536", "[::1", "::1:53:x", ""]
)
def test_name_servers_that_are_no_addresses_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"dns\.nameservers"):
        parse(f'dns.nameservers = ["{text}"]', FILE)


def test_filters_and_proxies_are_read_and_shown() -> None:
    config = parse(
        """
        [listen]
        proxies = ["10.0.0.5", "2001:db8::/32"]
        proxied = ["smtp"]
        [filter]
        rspamd = "http://127.0.0.1:11333"
        milters = ["unix:/run/milter", "127.0.0.1:8891"]
        hook = "hook.py"
        """,
        FILE,
    )
    assert [str(network) for network in config.listen.proxies] == ["10.0.0.5/32", "2001:db8::/32"]
    assert config.filter.hook == FILE.absolute().parent / "hook.py"
    assert [read_place(text) for text in config.filter.milters] == [Path("/run/milter"), Address("127.0.0.1", 8891)]
    assert parse(show(config), FILE) == config


def test_the_lmtp_socket_is_relative_to_the_data_directory() -> None:
    assert parse('data_dir = "/srv/mail"\nlisten.lmtp_socket = "in"', FILE).lmtp_socket == Path("/srv/mail/in")
    assert parse('listen.lmtp_socket = "/run/lmtp"', FILE).lmtp_socket == Path("/run/lmtp")
    assert parse('listen.lmtp_socket = ""', FILE).lmtp_socket is None


def test_what_show_prints_is_read_back_as_the_same_configuration() -> None:
    config = parse('data_dir = "/a \\"b\\""\nlimits.message_size = 12345\ntls.names = ["a.example"]', FILE)
    assert parse(show(config), FILE) == config


def test_show_tells_the_meaning_of_every_option() -> None:
    text = show(Config())
    assert all(option.means in text for option in options())


@pytest.mark.parametrize(
    ("text", "line", "key", "part"),
    [
        ("shards = 0", 1, "shards", "0 is not allowed; allowed is a whole number from 1 to 256"),
        ("shards = true", 1, "shards", "true is not allowed"),
        ("\n\n[limits]\nmessage_size = '1 PB'", 4, "limits.message_size", '"50 MiB"'),
        ("[limits]\nmesage_size = 1", 2, "limits.mesage_size", "did you mean message_size?"),
        ("[limit]\nx = 1", 1, "limit", "did you mean limits?"),
        ("zzyzx = 1", 1, "zzyzx", "known here: data_dir, hostname"),
        ("[listen]\n\nimap = '143'", 3, "listen.imap", '"host:port"'),
        ("listen.imap = 'x:70000'", 1, "listen.imap", "not allowed"),
        ("# listen\nlisten = 3", 2, "listen", "is a table: write [listen]"),
        ("tls = {names = ['ä.example']}", 1, "tls.names", "a list of host names in ASCII"),
        ("hostname = 'two words'", 1, "hostname", "a host name"),
        ("[imap]\nliteral = 'both'", 2, "imap.literal", 'one of "plus", "minus"'),
        ("[imap]\n\ndisable = ['IDLE', 'MULTIAPEND']", 3, "imap.disable", "did you mean MULTIAPPEND?"),
        ("[imap]\ndisable = 'IDLE'", 2, "imap.disable", "a list of names"),
        ("[imap]\nfilters = ['a']", 2, "imap.filters", "no filter"),
        ("[imap]\nfilters = ['a OR SEEN']", 2, "imap.filters", "A search key is expected"),
        ("[imap]\nfilters = ['a/b SEEN']", 2, "imap.filters", "has no /"),
        ("[imap]\nfilters = ['a SEEN', 'A DRAFT']", 2, "imap.filters", "two filters"),
        ("[imap]\ndisable = ['IMAP4rev1']", 2, "imap.disable", '"IMAP4rev1" is no capability that can be switched'),
        ("[auth]\nthrottle = 'no'", 2, "auth.throttle", "true or false"),
        ("listen.proxies = ['10.0.0.1/8']", 1, "listen.proxies", "has host bits set"),
        ("listen.proxies = '10.0.0.0/8'", 1, "listen.proxies", "a list of networks"),
        ("listen.proxied = ['smtp', 'lmtp']", 1, "listen.proxied", 'a list of any of "smtp"'),
        ("[filter]\nrspamd = 'localhost:11333'", 2, "filter.rspamd", "http://127.0.0.1:11333"),
        ("[filter]\nmilters = ['opendkim']", 2, "filter.milters", "unix:/run/opendkim"),
        ("[filter]\nmilters = ['unix:opendkim']", 2, "filter.milters", "unix:/run/opendkim"),
        ("[filter]\non_fault = 'hope'", 2, "filter.on_fault", 'one of "defer", "accept"'),
        ("data_dir = ''", 1, "data_dir", "a path"),
        ("shards = 1\n[tls]\nkey = 'k.pem'", 2, "tls.certificate", "give both, or neither"),
        ("a = [1\nb = 2", 2, "", "not valid TOML"),
        ("shards = 1\nshards = 2", 2, "", "not valid TOML"),
        ("shards = [", 1, "", "not valid TOML"),
    ],
)  # fmt: skip
def test_an_error_names_file_line_key_and_what_is_allowed(text: str, line: int, key: str, part: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE)
    assert str(caught.value).startswith(f"{FILE}:{line}: {key}")
    assert part in str(caught.value)


def test_a_file_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ConfigError, match=r"/nowhere/at/all\.toml: cannot be read: No such file"):
        load(Path("/nowhere/at/all.toml"))


def test_times_are_text_with_a_unit() -> None:
    config = parse('queue = {retry = ["90s", "5m", "1 h"], lifetime = "2d", warn_after = "0s"}', FILE)
    assert (config.queue.retry, config.queue.lifetime, config.queue.warn_after) == ((90, 300, 3600), 2 * 86400, 0)
    assert parse(show(config), FILE) == config
    assert 'retry = ["90s", "5m", "1h"]' in show(config)


@pytest.mark.parametrize(
    "text",
    [
        "retry = []",
        'retry = ["0s"]',
        'retry = "5m"',
        "retry = [5]",
        'lifetime = "5"',
        'lifetime = "1s"',
        "lifetime = 9",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="allowed is"):
        parse(f"[queue]\n{text}", FILE)
