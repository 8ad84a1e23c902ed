"""Logins of users whose provider has to be found first."""

import json
from pathlib import Path

import pytest

from oidc_async.protocol.uri import origin
from tests.certificates import make_certificate
from tests.core.raw_server import RawServer, always, response

from .driver import Driver, asked
from .situations import NOT_ASKED, SEARCHES, Situation


@pytest.mark.parametrize("situation", SEARCHES, ids=str)
def test_a_search(driver: Driver, situation: Situation) -> None:
    driver.configure(webfinger=f"{origin(driver.provider.issuer)}/alice")
    with driver.provider.misbehaving(*situation.faults):
        result = driver.log_in()
    assert asked(result)[0] == "webfinger"
    assert result["ok"] == (situation.code is None)
    assert (result["error"] or {}).get("code") == situation.code
    if situation.code is not None:
        assert result["error"]["message"]
        assert not set(asked(result)) & set(NOT_ASKED[situation.rejected])
    assert driver.session()["logged_in"] == result["ok"]


def test_an_account_is_looked_up_by_https(driver: Driver, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "server")
    link = {"rel": "http://openid.net/specs/connect/1.0/issuer", "href": driver.provider.issuer}
    jrd = response(json.dumps({"links": [link]}).encode(), Content_Type="application/jrd+json")
    server = RawServer(always(jrd), certificate.server_context())
    account = f"acct:alice@127.0.0.1:{server.port}"
    driver.configure(webfinger=account, ca=certificate.certificate)
    result = driver.log_in()
    server.close()
    assert result["ok"], result
    assert result["calls"][0] == ["GET", f"{server.url}/.well-known/webfinger", 200]
    assert f"acct%3Aalice%40127.0.0.1%3A{server.port}" in server.seen[0].target
