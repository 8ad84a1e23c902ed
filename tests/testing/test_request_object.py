"""Request objects at the simulated provider: what it takes, and each way in which one can be wrong."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from oidc_async.protocol.http_message import HttpResponse
from oidc_async.testing import Clock, NotRedirected, SimulatedProvider
from tests.protocol.signing import SECRET, b64, compact, ec_key, public_jwk, rsa_key
from tests.testing.mini_relying_party import REDIRECT_URI, MiniRelyingParty

NOW = 1_700_000_000
ISSUER = "https://op.example"
URI = "https://rp.example/request/1.jwt"
JWKS = {
    "keys": [public_jwk(rsa_key(), kid="r", use="sig"), public_jwk(ec_key("P-256"), kid="e", use="sig", alg="ES256")]
}
OUTSIDE = ("client_id", "response_type", "scope")


def new_provider(**registered: Any) -> SimulatedProvider:
    provider = SimulatedProvider(ISSUER, clock=Clock(NOW))
    metadata: dict[str, Any] = {"jwks": JWKS, **registered}
    provider.register("client1", SECRET, redirect_uris=[REDIRECT_URI], **metadata)
    provider.add_user("alice")
    return provider


def parameters() -> dict[str, Any]:
    return {**MiniRelyingParty(lambda _: HttpResponse(status=500), ISSUER).authorization_parameters()}


def claims(**changes: Any) -> dict[str, Any]:
    of_the_jwt = {"iss": "client1", "aud": ISSUER, "iat": NOW, "exp": NOW + 60, "jti": "j"}
    changed = {**parameters(), **of_the_jwt, **changes}
    return {name: value for name, value in changed.items() if value is not None}


def signed(header: Mapping[str, Any] | None = None, **changes: Any) -> str:
    return compact({"alg": "RS256", "kid": "r", "typ": "oauth-authz-req+jwt", **(header or {})}, claims(**changes))


def unsigned(**changes: Any) -> str:
    return f"{b64(json.dumps({'alg': 'none'}).encode())}.{b64(json.dumps(claims(**changes)).encode())}."


def answer(provider: SimulatedProvider, **sent: str | None) -> str:
    """The error that the provider shows; empty when it sends the browser back with a code."""
    outside = {name: value for name, value in parameters().items() if name in OUTSIDE}
    query = {name: value for name, value in {**outside, **sent}.items() if value is not None}
    try:
        callback = provider.authorize(f"{ISSUER}/authorize?{urlencode(query)}")
    except NotRedirected as rejected:
        return str(rejected)
    assert (callback.get("state"), callback.get("error")) == ("state1", None)
    return "" if callback.get("code") else "no code"


def fetching(
    token: str, status: int = 200, media_type: str = "application/oauth-authz-req+jwt"
) -> Callable[[str], Any]:
    def fetch(url: str) -> HttpResponse:
        assert url.endswith("/request/1.jwt")
        return HttpResponse(status=status, headers={"content-type": media_type}, body=token.encode())

    return fetch


@pytest.mark.parametrize(
    "token",
    [
        signed(),
        signed({"typ": "JWT"}),
        signed(max_age=60, claims={"id_token": {"acr": None}}),
        signed(aud=[ISSUER]),
        signed(nbf=NOW - 3600, resource=["https://a", "https://b"], authorization_details=[{"type": "a"}]),
        compact({"alg": "HS256"}, claims(), alg="HS256"),
        compact({"alg": "ES256", "kid": "e"}, claims(), alg="ES256"),
        compact({"alg": "PS256", "kid": "r"}, claims(), alg="PS256"),
    ],
    # not after the tokens, which are others in each process
    ids=["RS256", "typ JWT", "max_age and claims", "a list of one aud", "JSON", "HS256", "ES256", "PS256"],
)
def test_a_good_one_is_taken(token: str) -> None:
    provider = new_provider()
    assert answer(provider, request=token) == ""
    provider.fetch = fetching(token)
    assert answer(provider, request_uri=URI) == ""


def test_parameters_beside_it_do_not_count() -> None:
    assert "state must be the same" in answer(new_provider(), request=signed(), state="state2")
    assert "nonce must be the same" in answer(new_provider(), request=signed(nonce=None), nonce="nonce1")


@pytest.mark.parametrize(
    ("token", "words"),
    [
        pytest.param("e30.e30", "not a JWT", id="two-parts"),
        pytest.param("e30.e30.", "alg is not supported", id="no-alg"),
        pytest.param(unsigned(), "must be signed", id="264-unsigned"),
        pytest.param(signed({"kid": "other"}), "kid", id="unknown-key"),
        pytest.param(compact({"alg": "RS256", "kid": "r"}, claims(), key=rsa_key(2)), "signature", id="foreign"),
        pytest.param(compact({"alg": "HS256"}, claims(), alg="HS256", key=b"wrong"), "signature", id="wrong-secret"),
        pytest.param(compact({"alg": "RS256", "kid": "e"}, claims()), "another alg", id="key-for-another-alg"),
        pytest.param(signed({"typ": "at+jwt"}), "typ", id="another-kind"),
        pytest.param(signed(iss=None), "iss", id="264-no-iss"),
        pytest.param(signed(iss="client2"), "iss", id="264-other-iss"),
        pytest.param(signed(sub="client1"), "sub", id="sub"),
        pytest.param(signed(aud=None), "aud", id="264-no-aud"),
        pytest.param(signed(aud="https://op.example/"), "aud", id="264-other-aud"),
        pytest.param(signed(aud=[ISSUER, "https://other"]), "aud", id="264-two-aud"),
        pytest.param(signed(exp=None), "exp", id="264-no-exp"),
        pytest.param(signed(exp=NOW), "exp", id="264-expired"),
        pytest.param(signed(exp=NOW + 3601), "exp", id="264-endless"),
        pytest.param(signed(iat=NOW + 6), "iat", id="of-the-future"),
        pytest.param(signed(jti=None), "jti", id="no-jti"),
        pytest.param(signed(nbf=NOW + 6), "nbf", id="not-yet-valid"),
        pytest.param(signed(nbf=NOW - 3601), "nbf", id="valid-for-too-long"),
        pytest.param(signed(nbf="1"), "nbf", id="nbf-text"),
        pytest.param(signed(authorization_details="[]"), "authorization_details", id="details-text"),
        pytest.param(signed(request="e30.e30."), "request and request_uri", id="object-in-object"),
        pytest.param(signed(request_uri=URI), "request and request_uri", id="reference-in-object"),
        pytest.param(signed(client_id="client2"), "client_id must be the same", id="other-client"),
        pytest.param(signed(client_id=None), "client_id must be the same", id="no-client"),
        pytest.param(signed(response_type="id_token"), "response_type must be the same", id="other-type"),
        pytest.param(signed(scope="openid email"), "scope must be the same", id="other-scope"),
        pytest.param(signed(max_age="60"), "max_age must be of type int", id="max-age-in-quotes"),
        pytest.param(signed(claims="{}"), "claims must be of type dict", id="claims-in-quotes"),
        pytest.param(signed(state=5), "state must be of type str", id="state-a-number"),
    ],
)
def test_a_wrong_one_is_rejected(token: str, words: str) -> None:
    provider = new_provider()
    assert words in answer(provider, request=token)
    provider.fetch = fetching(token)
    assert words in answer(provider, request_uri=URI)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"request": signed(), "request_uri": URI}, "together"),
        ({"request": signed(), "scope": None}, "scope"),
        ({"request": signed(), "scope": "email"}, "scope"),
        ({"request": signed(), "response_type": None}, "response_type"),
        ({"request": signed(), "client_id": "nobody"}, "No such client"),
        ({"request_uri": URI + 500 * "a"}, "512"),
        ({"request_uri": URI}, "provider.fetch"),
    ],
)
def test_a_wrong_way_to_bring_it_is_rejected(sent: dict[str, str | None], words: str) -> None:
    provider = new_provider()
    provider.fetch = None if words == "provider.fetch" else fetching(signed())
    assert words in answer(provider, **sent)


@pytest.mark.parametrize(
    "fetch",
    [fetching(signed(), status=404), fetching(signed(), media_type="text/plain"), fetching("", status=500)],
    ids=["404", "text", "500"],
)
def test_an_invalid_answer_from_the_client_is_rejected(fetch: Any) -> None:
    provider = new_provider()
    provider.fetch = fetch
    assert "answered with 200" in answer(provider, request_uri=URI)


def test_an_unsigned_one_is_accepted_by_https_alone_and_only_from_a_client_registered_for_it() -> None:
    """threat model 265."""
    provider = new_provider(request_object_signing_alg="none")
    provider.fetch = fetching(unsigned())
    assert answer(provider, request=unsigned()) == ""
    assert answer(provider, request_uri=URI) == ""
    assert "https" in answer(provider, request_uri="http://127.0.0.1/request/1.jwt")
    assert "registered" in answer(provider, request=signed())
    assert "must be signed" in answer(provider, request=unsigned() + "AAAA")


def test_the_registered_algorithm_is_the_only_one() -> None:
    provider = new_provider(request_object_signing_alg="ES256")
    assert "registered" in answer(provider, request=signed())
    assert answer(provider, request=compact({"alg": "ES256", "kid": "e"}, claims(), alg="ES256")) == ""


def test_keys_are_fetched_where_the_client_says_they_are() -> None:
    provider = new_provider(jwks=None, jwks_uri="https://rp.example/jwks")
    assert "jwks_uri" in answer(provider, request=signed())
    provider.fetch = lambda _: HttpResponse(status=200, body=json.dumps(JWKS).encode())
    assert answer(provider, request=signed()) == ""


def test_it_must_be_encrypted_as_registered() -> None:
    provider = new_provider(request_object_encryption_alg="RSA-OAEP")
    assert "not an encrypted JWT" in answer(provider, request=signed())
    foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for kid in ("rsa-oaep-for-encryption", "other"):
        token = encrypted(public_jwk(foreign, kid=kid), signed())
        assert "be decrypted" in answer(provider, request=token)


def encrypted(jwk: dict[str, Any], token: str) -> str:
    from oidc_async.testing.encryption import compact_jwe
    from oidc_async.testing.stages import JWEDraft

    header = {"alg": "RSA-OAEP", "enc": "A128CBC-HS256", "cty": "JWT"}
    return compact_jwe(JWEDraft(header=header, content=token.encode(), keys=[jwk], secret=b"", compact=compact_jwe))


def test_its_keys_for_it_are_published_and_open_it() -> None:
    provider = new_provider(request_object_encryption_alg="RSA-OAEP")
    read = MiniRelyingParty(provider.handle, ISSUER)
    (jwk,) = [jwk for jwk in json.loads(read.get("/jwks").body)["keys"] if jwk["use"] == "enc"]
    token = encrypted(jwk, signed())
    assert answer(provider, request=token) == ""
    *parts, tag = token.split(".")
    assert "be decrypted" in answer(provider, request=".".join((*parts, tag[::-1])))
    assert "not a JWT" in answer(provider, request=encrypted(jwk, json.dumps(claims())))
