"""The application as it is started for a suite, over https, at a provider over TLS, in some of the situations."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from oidc_async.testing import SimulatedProvider
from tests.certificates import LOOPBACK, Authority, Certificate
from tests.providers.processes import free_port

from .driver import CLIENT_ID, Driver, asked, new_provider
from .situations import LOGINS, REFRESHES, Situation
from .test_logins import require_failure, require_login
from .test_rp import first_answer, started

NAMES = (
    "nothing is wrong",
    "alg none",
    "the keys are rotated",
    "encrypted",
    "encrypted, tag wrong",
    "userinfo signed and encrypted",
    "userinfo of another sub",
    "discovery with another issuer",
    "state wrong",
    "code by form",
    "id_token token",
    "code id_token token",
    "code id_token by form",
)
BY_NAME = {situation.name: situation for situation in LOGINS}
ENCRYPTION = {
    "id_token_encrypted_response_alg": "RSA-OAEP",
    "id_token_encrypted_response_enc": "A256GCM",
    "userinfo_encrypted_response_alg": "RSA-OAEP",
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> Certificate:
    return authority.issue("server", LOOPBACK)


@pytest.fixture(scope="module", params=["flask", "quart"])
def base_url(request: pytest.FixtureRequest, authority: Authority, certificate: Certificate) -> Iterator[str]:
    port = free_port()
    address = f"https://{LOOPBACK}:{port}"
    options = ["--tls-cert", certificate.certificate, "--tls-key", certificate.key, "--base-url", address]
    with (
        started(request.param, port, *options),
        httpx.Client(base_url=address, verify=authority.trusted(), trust_env=False) as http,
    ):
        first_answer(http, "/ct/result")
        yield address


@pytest.fixture
def provider(certificate: Certificate) -> Iterator[SimulatedProvider]:
    provider = new_provider()
    with provider.serve(login_page=False, tls=certificate.server_context()):
        yield provider


@pytest.fixture
def driver(base_url: str, provider: SimulatedProvider, authority: Authority) -> Iterator[Driver]:
    driver = Driver(base_url, provider, authority.certificate)
    with driver.http:
        yield driver


@pytest.mark.parametrize("situation", [BY_NAME[name] for name in NAMES], ids=str)
def test_a_login(driver: Driver, situation: Situation) -> None:
    driver.configure(dict(situation.registered), module=situation.name, **situation.order)
    with driver.provider.misbehaving(*situation.faults):
        result = driver.log_in()
    if situation.code is None:
        require_login(driver, result)
        cookies = list(driver.http.cookies.jar)
        assert cookies
        assert all(cookie.secure and cookie.name.startswith("__Host-") for cookie in cookies)
    else:
        require_failure(driver, result, situation)


@pytest.mark.parametrize("method", ["private_key_jwt", "client_secret_jwt"])
def test_a_client_that_authenticates_by_assertions(driver: Driver, method: str) -> None:
    secret = {} if method.startswith("client_secret") else {"client_secret": None}
    driver.configure({"token_endpoint_auth_method": method, **secret}, keys={"sig": "ES256"})
    assert driver.log_in()["ok"]


@pytest.mark.parametrize("situation", REFRESHES[:2], ids=str)
def test_a_refresh_and_a_logout(driver: Driver, situation: Situation) -> None:
    driver.configure(scope="openid offline_access")
    assert driver.log_in()["ok"]
    with driver.provider.misbehaving(*situation.faults):
        assert driver.refresh()["ok"] == (situation.code is None)
    page = driver.post("/ct/logout")
    back = driver.http.get(driver.provider.end_session(page.headers["location"]).url)
    assert (back.status_code, back.json()["logged_in"]) == (200, False)


def test_the_provider_ends_a_session(driver: Driver) -> None:
    driver.configure()
    driver.log_in()
    token = driver.provider.logout_token(CLIENT_ID, "alice")
    with driver.new_client() as nobody:
        assert nobody.post(f"{driver.base_url}/backchannel_logout", data={"logout_token": token}).status_code == 200
    assert not driver.session()["logged_in"]


def test_a_client_registers_itself_and_is_sent_encrypted_responses(driver: Driver) -> None:
    driver.configure_dynamic(ENCRYPTION, keys={"enc": "RSA-OAEP"})
    result = driver.log_in()
    require_login(driver, result)
    assert ["POST", f"{driver.provider.issuer}register", 201] in result["calls"]
    (client,) = driver.provider.registered_clients
    assert client.jwks_uri == f"{driver.base_url}/jwks"
    assert {name: getattr(client, name) for name in ENCRYPTION} == ENCRYPTION


def test_a_provider_that_is_not_trusted_is_asked_nothing(driver: Driver, tmp_path: Path) -> None:
    driver.configure(ca=Authority(tmp_path).certificate)
    result = driver.log_in()
    assert (result["ok"], result["error"]["code"]) == (False, "provider_unreachable")
    assert "CERTIFICATE_VERIFY_FAILED" in result["error"]["message"]
    assert set(asked(result)) == {"openid-configuration"}
    assert driver.provider.requests == ()
