"""Steps besides logins, and settings of any kind: what the modules of the suite's plans need of the application."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from oidc_async.testing import Fault, Misbehaviour
from tests.certificates import make_certificate

from .driver import CLIENT_ID, SECRET, Driver, asked, new_provider
from .test_provider_logouts import tell

OFFLINE = "openid email offline_access"


def test_a_discovery_alone(driver: Driver) -> None:
    """For the plans about Discovery."""
    driver.configure()
    assert driver.get("/ct/discover").json()["issuer"] == driver.provider.issuer
    result = driver.result()
    assert (result["ok"], result["step"], asked(result)) == (True, "discover", ["openid-configuration"])


@pytest.mark.parametrize(
    ("fault", "code"),
    [(Fault.DISCOVERY_ISSUER_OTHER, "issuer_mismatch"), (Fault.DISCOVERY_JWKS_URI_MISSING, "metadata_invalid")],
    ids=str,
)
def test_a_discovery_that_fails(driver: Driver, fault: Misbehaviour, code: str) -> None:
    driver.configure()
    with driver.provider.misbehaving(fault):
        assert driver.get("/ct/discover").status_code == 400
    result = driver.result()
    assert (result["ok"], result["step"], result["error"]["code"]) == (False, "discover", code)


def test_userinfo_after_a_refresh(driver: Driver) -> None:
    driver.configure(scope=OFFLINE)
    assert driver.log_in()["ok"]
    assert driver.refresh()["ok"]
    assert driver.result()["userinfo"] is None
    assert driver.get("/ct/userinfo").json()["userinfo"]["email"] == "alice@example.com"
    result = driver.result()
    assert (result["ok"], result["step"], asked(result)) == (True, "userinfo", ["userinfo"])
    assert result["userinfo"]["sub"] == "alice"


def test_userinfo_of_somebody_else(driver: Driver) -> None:
    driver.configure()
    driver.log_in()
    with driver.provider.misbehaving(Fault.USERINFO_SUB_OTHER):
        assert driver.get("/ct/userinfo").status_code == 400
    assert (driver.result()["ok"], driver.result()["error"]["code"]) == (False, "userinfo_invalid")


@pytest.mark.parametrize("path", ["/ct/userinfo", "/ct/resource?url=http://127.0.0.1:1"])
def test_a_step_that_needs_a_login(driver: Driver, path: str) -> None:
    driver.configure()
    assert driver.get(path).status_code == 409
    assert (driver.result()["ok"], driver.result()["calls"]) == (False, [])


def test_a_resource_is_called_with_the_access_token(driver: Driver) -> None:
    driver.configure()
    driver.log_in()
    url = f"{driver.provider.issuer}userinfo"
    answer = driver.get(f"/ct/resource?url={url}").json()
    assert (answer["status"], '"sub":"alice"' in answer["body"].replace(" ", "")) == (200, True)
    result = driver.result()
    assert (result["ok"], result["step"], result["calls"]) == (True, "resource", [["GET", url, 200]])


def test_a_resource_that_rejects(driver: Driver) -> None:
    driver.configure()
    driver.log_in()
    url = f"{driver.provider.issuer}nowhere"
    assert driver.get(f"/ct/resource?url={url}").json()["status"] == 404
    assert (driver.result()["ok"], driver.result()["error"]["code"]) == (False, "resource_refused")


@pytest.mark.parametrize(
    ("fault", "code"),
    [(Fault.LOGOUT_TOKEN_ALG_NONE, "algorithm_not_allowed"), (Fault.LOGOUT_TOKEN_AUD_OTHER, "claim_invalid")],
    ids=str,
)
def test_a_logout_that_fails_is_in_the_result(driver: Driver, fault: Misbehaviour, code: str) -> None:
    driver.configure()
    driver.log_in()
    with driver.provider.misbehaving(fault):
        assert tell(driver, driver.provider.logout_token(CLIENT_ID, "alice")).status_code == 400
    result = driver.result()
    assert (result["ok"], result["step"], result["error"]["code"]) == (False, "backchannel_logout", code)


def test_any_argument_of_a_configuration(driver: Driver) -> None:
    """`config` replaces what follows from other members, and JSON objects become the classes of the library."""
    config = {
        "pushed_authorization_requests": True,
        "auth_request_params": {"scope": "openid email", "resource": ["https://a.example", "https://b.example"]},
        "token_request_params": {"resource": "https://a.example"},
        "provider_metadata": {"end_session_endpoint": "https://op.example/end"},
    }
    driver.configure(scope="openid", config=config)
    result = driver.log_in()
    assert (result["ok"], "par" in asked(result)) == (True, True)
    (push,) = [seen for seen in driver.provider.requests if seen.request.url.endswith("/par")]
    assert parse_qs(push.request.body.decode())["resource"] == ["https://a.example", "https://b.example"]
    assert driver.get("/ct/discover").json()["end_session_endpoint"] == "https://op.example/end"


@pytest.mark.parametrize(
    ("order", "code", "word"),
    [
        ({"config": {"no_such_argument": 1}}, "invalid_order", "no_such_argument"),
        ({"config": {"provider_metadata": 7}}, "invalid_order", "config"),
        ({"config": {"audience": []}}, "configuration_error", "audience"),
        ({"client_cert": "/no/such/file.pem"}, "invalid_order", "client_cert"),
    ],
    ids=str,
)
def test_invalid_arguments(driver: Driver, order: dict[str, Any], code: str, word: str) -> None:
    error = driver.rejection(client={"client_id": CLIENT_ID, "client_secret": SECRET}, **order)
    assert (error["code"], word in error["message"]) == (code, True)


def test_a_certificate_is_shown(driver: Driver, tmp_path: Path) -> None:
    """RFC 8705: at the provider, and at a resource."""
    server, client = (make_certificate(tmp_path, name) for name in ("server", "client"))
    strict = new_provider()
    with strict.serve(login_page=False, tls=server.server_context(client)):
        driver.provider = strict
        shown: dict[str, Any] = {"client_cert": client.certificate, "client_key": client.key}
        driver.configure(ca=server.certificate)
        assert driver.log_in()["error"]["code"] == "provider_unreachable"
        driver.configure(ca=server.certificate, **shown)
        assert driver.log_in()["ok"]
        assert driver.get(f"/ct/resource?url={strict.issuer}userinfo").json()["status"] == 200
