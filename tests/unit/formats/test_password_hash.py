"""Hashes of passwords that other systems have made: each form, and what is refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailkeep.formats.password_hash import BadHash, fits, import_hash
from mailkeep.formats.sha_crypt import sha_crypt

PASSWORD = "sécret 1"
# Made by Dovecot's doveadm, by libxcrypt, and as passlib and Django document it.
HASHES = {
    "argon2id": "{ARGON2ID}$argon2id$v=19$m=262144,t=3,p=1$GFta2rjJCQomuwUTXkaufQ$Z45zbaJJOGLKkgTzb5t02522lgzNRfiZ5vNPuKhIS8s",  # noqa: E501
    "argon2i": "{ARGON2I}$argon2i$v=19$m=32768,t=3,p=1$o28ZG/4/LPfyNQwI84gzeg$8A156mLl25K4PhcxkOysK706LMys/iIBhyxbaNdaAjM",  # noqa: E501
    "dovecot blf-crypt": "{BLF-CRYPT}$2y$04$02ILfJzDFgrR7G44i0.HCeFINOOK9Hkk7ecXhEO/fH17CkXGuhwR.",
    "dovecot pbkdf2": "{PBKDF2}$1$vQAAOapdwM63ZTzA$1000$f5aca3325903fd272f3d0c0c17b393e7ad45dee6",
    "dovecot sha256-crypt": "{SHA256-CRYPT}$5$rounds=1000$U.PLWl3uq5mw0d.a$47kismsqPjg1LaqT7dKplUnHtg61e.a7lcuLVWZ0bF3",
    "dovecot sha512-crypt": "{SHA512-CRYPT}$6$rounds=1000$ABVvu4zq5.6N4wG8$SmTJpOloLKrqyM3mZGkGXeea4hByssr6Hpl.C3cMu1aRNwYCvX82VHpDOHx5jfaVYeLcKGqnbatjnbsKqCQGa.",  # noqa: E501
    "dovecot sha": "{SHA}8UD9IbKwSVQa43L8o9BuL4/fMdA=",
    "dovecot ssha": "{SSHA}QsqEhM0A+sZBqWIfEGC7mt9rYMw1XacR",
    "dovecot sha256": "{SHA256}cQYL05dRD171Nudn6QxW+HhCtut7nKO69eqMfJAX4fU=",
    "dovecot ssha256": "{SSHA256}yXwY6GTgqF50Z5Gvu9VmgVvlkIkx8tmDZReF4/yEqB70KQwS",
    "dovecot sha512.hex": "{SHA512.HEX}a38f13d6a3141f0e7644e2c4279e1d459b14898adf8ab9465b4322e7b612150704dffda5140a7be5e0566d3824a920567f3be133ac4cb93a8a7ecc927cb8ba89",  # noqa: E501
    "dovecot ssha512": "{SSHA512}KZlqLdPepmEOeZ/OvSA63Bbjwu7ofsBLLTYL4U50GUvhjoucfxl/WysmYYxZYkq0grW/d6Oz5nQXWak55lyBBeZrVw4=",  # noqa: E501
    "dovecot scram-sha-256": "{SCRAM-SHA-256}4096,bKmlUQ9r0ShRL7aIydsRtw==,FaDeDzSSpN+8YnGt6nulGtpw/szzvzxteIu7BArrDD8=,8YWAMv+RZfRmD13B3/qbF+EdPlgrZZ9WXERBTSd3gCs=",  # noqa: E501
    "bcrypt of crypt": "$2b$04$abcdefghijklmnopqrstuui/70X61GKAZ/Cl5/coYBZblN44SUXxe",
    "scrypt of crypt": "$7$8/..../....saltsalt$6AffMKdK55yf1or/JVNuYJYZpI5MXvrzTQgbjWCov83",
    "sha512-crypt": "$6$saltsalt$BgCoUXFttKE8ub6EZxmRhgjN6nz9wo7UlAJFTEaXGoFVsrwq5MOh1H1tOCYvL.anZYHaO3585hzOG5kEwWN0l/",  # noqa: E501
    "passlib pbkdf2-sha256": "$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg$96VuYAN70QqX4FK1JhPFK2mQp8LC.F/v3khkyrqzjUY",
    "passlib pbkdf2-sha512": "$pbkdf2-sha512$1000$MDEyMzQ1Njc4OWFiY2RlZg$Z8muonPaxSRGBxLA8afHTeqWWfXDiHtu0thuosudXvNXhUzSG2V3V5UG89UVfA8HjEPPYCo3IjLRFZOYwl3ggA",  # noqa: E501
    "passlib pbkdf2": "$pbkdf2$1000$MDEyMzQ1Njc4OWFiY2RlZg$xVhVSs0WIQrpyQB3hcJ7fbsaa2A",
    "django": "pbkdf2_sha256$1000$abcdef$yR0ErbjT3p8jZJv7eBNpZngGae4/O+uRL1ceaqmFGwE=",
    "passlib scrypt": "$scrypt$ln=8,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$urhMLq5JvFozL7Bit1JPtGRWFrpyQ0yUTdO2Vdk8YUY",
}


@pytest.mark.parametrize("name", HASHES)
def test_the_password_fits_its_hash_and_no_other_does(name: str) -> None:
    stored = import_hash(HASHES[name])
    assert fits(stored, PASSWORD)
    assert not fits(stored, "secret 1")
    assert not fits(stored, "")


@pytest.mark.parametrize("name", [name for name in HASHES if not HASHES[name].startswith(("{SHA", "{SSHA"))])
def test_what_is_kept_can_be_taken_again(name: str) -> None:
    stored = import_hash(HASHES[name])
    assert import_hash(stored) == stored


def test_bcrypt_looks_at_72_octets_of_a_long_password_as_it_always_has() -> None:
    stored = "$2b$04$x51GkN4m1cJX6iopD2nMMuNfG.ota6.xPpBKLYg0qo9oDkrayNfeO"
    assert fits(stored, "secret")
    assert not fits(stored, "x" * 1000)


# As libxcrypt has them
@pytest.mark.parametrize(
    ("kind", "salt", "rounds", "digest"),
    [
        ("5", "saltstring", 5000, "5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
        ("5", "saltstringsaltst", 10000, "3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA"),
        (
            "6",
            "saltstring",
            5000,
            "svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
        ),
    ],
    ids=["sha256", "sha256 with rounds", "sha512"],
)
def test_sha_crypt_is_that_of_other_systems(kind: str, salt: str, rounds: int, digest: str) -> None:
    assert sha_crypt(kind, b"Hello world!", salt.encode(), rounds) == digest


@pytest.mark.parametrize(
    "text",
    [
        "", "secret", "{PLAIN}secret", "{MD5-CRYPT}$1$aJ855ZXq$pa.osVicJepTtDtlDwwNu0", "{NOPE}x",
        "{SSHA}!!", "{SSHA}eA==",
        "$2b$31$x51GkN4m1cJX6iopD2nMMuNfG.ota6.xPpBKLYg0qo9oDkrayNfeO",
        "$6$rounds=999999999$saltsalt$" + "a" * 86,
        "$argon2id$v=19$m=99999999,t=3,p=1$c29tZXNhbHQ$" + "a" * 43,
        "$scrypt$ln=30,r=8,p=1$c2FsdA$" + "a" * 43,
        "$7$z/..../....saltsalt$" + "a" * 43,
        "$pbkdf2-sha256$999999999$c2FsdA$" + "a" * 43,
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$" + "a" * 17,
        "{SHA256}" + "ü", "x" * 2000, "{SCRAM-SHA-256}1,2,3", "{SCRAM-SHA-256}99999999,YQ==,YQ==,YQ==",
    ],
    ids=lambda text: ascii(text[:30]),
)  # fmt: skip
def test_what_is_no_hash_or_would_take_too_long_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(BadHash) as error:
        import_hash(text)
    assert len(text) < 7 or text not in str(error.value)


pieces = st.sampled_from([*HASHES.values(), *"$.,=:{}/+\0é", "$6$", "$7$", "rounds=", "{SSHA}", "{PBKDF2}"])


@settings(deadline=None, max_examples=150)
@given(st.lists(pieces, max_size=4).map("".join), st.integers(0, 100), st.integers(0, 100))
def test_nothing_but_a_refusal_comes_of_any_text(text: str, start: int, length: int) -> None:
    damaged = text[: start % (len(text) + 1)] + text[(start + length) % (len(text) + 1) :]
    try:
        stored = import_hash(damaged)
    except BadHash:
        return
    assert re.fullmatch(r"[!-~]+", stored)
