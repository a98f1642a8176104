"""A private OpenLDAP server with a few users."""

from __future__ import annotations

import socket
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.authority import Authority
from tests.clients.programs import require_client
from tests.live import eventually, free_port

BASE = "dc=example,dc=org"
READER = f"cn=reader,{BASE}"
READER_PASSWORD = "reader-secret"
PASSWORD = "päss word"
SCHEMAS = "core cosine inetorgperson"
USERS = f"""
dn: {BASE}
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ou=people,{BASE}
objectClass: organizationalUnit
ou: people

dn: {READER}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: {READER_PASSWORD}

dn: uid=ann,ou=people,{BASE}
objectClass: inetOrgPerson
uid: ann
cn: Ann
sn: Ann
mail: ann@example.org
userPassword:: {b64encode(PASSWORD.encode()).decode()}

dn: uid=nomail,ou=people,{BASE}
objectClass: inetOrgPerson
uid: nomail
cn: Ann
sn: Nomail
userPassword:: {b64encode(PASSWORD.encode()).decode()}

dn: uid=locked,ou=people,{BASE}
objectClass: inetOrgPerson
uid: locked
cn: Locked
sn: Locked
mail: locked@example.org
"""


@dataclass(frozen=True, slots=True)
class Slapd:
    """Where it is: in the clear, and with TLS; and the file of the authority that vouches for it."""

    url: str
    secure_url: str
    authority: Path


@contextmanager
def running_slapd(directory: Path) -> Iterator[Slapd]:
    """It trusts READER to read what others may not: only users themselves see their mail."""
    program, add = require_client("slapd"), require_client("slapadd")
    authority = Authority(directory)
    _, certificate = authority.issue("localhost")
    (directory / "db").mkdir()
    config = directory / "slapd.conf"
    config.write_text(
        "".join(f"include /etc/ldap/schema/{schema}.schema\n" for schema in SCHEMAS.split())
        + f"""
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {directory}/pid
TLSCertificateFile {certificate}
TLSCertificateKeyFile {certificate}
TLSCACertificateFile "{authority.file}"
database mdb
maxsize 10485760
suffix "{BASE}"
directory {directory}/db
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{READER}" read by self read by * none
"""
    )
    entries = directory / "users.ldif"
    entries.write_text(USERS)
    subprocess.run([add, "-f", config, "-l", entries], check=True, capture_output=True, timeout=20)
    clear, secure = free_port(), free_port()
    urls = f"ldap://localhost:{clear}/ ldaps://localhost:{secure}/"
    with subprocess.Popen([program, "-d", "0", "-f", config, "-h", urls], stderr=subprocess.DEVNULL) as process:
        try:
            eventually(lambda: _answers(clear) and _answers(secure), "slapd answers")
            yield Slapd(f"ldap://localhost:{clear}", f"ldaps://localhost:{secure}", authority.file)
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
