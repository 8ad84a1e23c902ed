"""The values between the frameworks and the core: what they show of a request, and what a redirect leaves behind."""

import pytest

from oidc_async.web.http.messages import WebResponse, redirect

from .web_request import settings, web_request

CANARY = "canary-4711"


@pytest.mark.parametrize(
    "value",
    [
        web_request(query=f"code={CANARY}"),
        web_request(raw_path=f"/redirect_uri?code={CANARY}"),
        web_request(headers={"cookie": CANARY, "referer": CANARY}),
        web_request(cookies={"session": CANARY}),
        WebResponse(status=302, headers={"location": CANARY}),
        WebResponse(status=200, body=CANARY),
        redirect(f"https://op.example/?state={CANARY}", 302),
        settings(secret_keys=(CANARY.encode(),)),
    ],
    ids=["query", "raw path", "headers", "cookies", "location", "body", "redirect", "settings"],
)
def test_nothing_secret_is_in_what_a_debugger_shows(value: object) -> None:
    """threat model 251, 252"""
    assert CANARY not in repr(value)


@pytest.mark.parametrize("status", [302, 303])
def test_a_redirect_is_kept_in_no_cache_and_told_to_nobody(status: int) -> None:
    """contract.md 4; threat model 257"""
    answer = redirect("https://op.example/", status)
    assert (answer.status, answer.body) == (status, "")
    assert answer.headers == {
        "location": "https://op.example/",
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
    }
