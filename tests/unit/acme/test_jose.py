"""What is signed with the key of an account."""

import base64
import json

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey

from mailkeep.acme.jose import AccountKey, decode_secret

REGISTRY = jws.JWSRegistry(algorithms=["ES256", "HS256"], strict_check_header=False)


def header(request: dict[str, str]) -> dict[str, object]:
    protected = request["protected"]
    decoded: dict[str, object] = json.loads(base64.urlsafe_b64decode(protected + "=" * (-len(protected) % 4)))
    return decoded


@pytest.mark.rfc("8555", "6.2")
def test_a_request_is_signed_with_its_address_and_nonce_by_the_bare_key_until_there_is_an_account() -> None:
    key = AccountKey.make()
    request = json.loads(key.sign({"a": 1}, url="https://ca.example/new", nonce="n", account=None))
    told = header(request)
    assert set(request) == {"protected", "payload", "signature"}
    assert {name: told[name] for name in ("alg", "nonce", "url")} == {
        "alg": "ES256", "nonce": "n", "url": "https://ca.example/new",
    }  # fmt: skip
    assert "kid" not in told
    public = told["jwk"]
    assert isinstance(public, dict)
    assert "d" not in public
    assert jws.deserialize_json(request, ECKey.import_key(public), registry=REGISTRY).payload == b'{"a": 1}'


@pytest.mark.rfc("8555", "6.3")
def test_a_request_of_an_account_names_it_and_asking_without_saying_has_an_empty_payload() -> None:
    request = json.loads(AccountKey.make().sign(None, url="u", nonce="n", account="https://ca.example/1"))
    assert header(request) == {"alg": "ES256", "kid": "https://ca.example/1", "nonce": "n", "url": "u"}
    assert request["payload"] == ""


def test_a_key_is_the_same_after_it_was_kept() -> None:
    key = AccountKey.make()
    assert AccountKey.load(key.pem()).authorize("token") == key.authorize("token")


@pytest.mark.parametrize("pem", [b"", b"nonsense", ECKey.generate_key("P-384").as_pem(private=True),
                                 ECKey.generate_key("P-256").as_pem(private=False)])  # fmt: skip
def test_what_is_no_private_key_of_the_curve_is_refused(pem: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        AccountKey.load(pem)


@pytest.mark.rfc("8555", "7.3.4")
def test_an_account_is_bound_to_one_elsewhere_by_a_secret() -> None:
    key, secret = AccountKey.make(), b"0123456789abcdef0123456789abcdef"
    bound = key.bind(key_id="kid-1", secret=secret, url="https://ca.example/new-account")
    assert header(bound) == {"alg": "HS256", "kid": "kid-1", "url": "https://ca.example/new-account"}
    signed = jws.deserialize_json(bound, OctKey.import_key(secret), registry=REGISTRY)  # type: ignore[arg-type]
    assert json.loads(signed.payload)["kty"] == "EC"


def test_a_secret_is_base64url_with_or_without_padding() -> None:
    assert decode_secret("-_-_\n") == decode_secret("-_-_") == b"\xfb\xff\xbf"
    assert decode_secret("YQ") == decode_secret("YQ==") == b"a"
    with pytest.raises(ValueError, match=r"."):
        decode_secret("no secret!")
