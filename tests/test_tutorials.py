"""The code of the tutorials is run as a reader runs it: the provider over HTTP, the app, and a browser in front."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

import pytest

from .docs.blocks import Block, blocks_of
from .test_readme import ADAPTERS, Adapter, bring, run

pytest_plugins = ["pytester"]

APP = "http://localhost:5000"


def with_provider(served: Block, scenario: Callable[[Any, str], None]) -> list[str]:
    """Run the block that serves a provider; the scenario runs while it waits for Enter. Returns what it prints."""
    printed: list[str] = []
    names: dict[str, Any] = {"print": printed.append}

    def wait_for_enter(prompt: str) -> None:
        printed.append(prompt)
        scenario(names["provider"], names["issuer"])

    names["input"] = wait_for_enter
    exec(compile(served.code.replace("port=8000", "port=0"), served.page, "exec"), names)
    return printed


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_login_in_ten_minutes(adapter: Adapter) -> None:
    served, app = blocks_of(f"docs/tutorials/{adapter.name}.md")
    visited: list[str] = []

    def scenario(provider: Any, issuer: str) -> None:
        names = run(app.code.replace("http://127.0.0.1:8000", issuer), __name__="app")
        browser = adapter.client(names["app"])
        assert "Log in" in browser.request("GET", f"{APP}/").text
        to_login = browser.request("GET", f"{APP}/profile").headers["location"]
        assert to_login.startswith(issuer)
        back = browser.request("GET", provider.authorize(to_login, user="alice").url)
        profile = browser.request("GET", urljoin(APP, back.headers["location"]))
        assert profile.text == "Hello, Alice! Your subject is alice."
        assert "Log out" in browser.request("GET", f"{APP}/").text
        to_logout = browser.request("GET", f"{APP}/logout").headers["location"]
        assert "Goodbye." in browser.request("GET", provider.end_session(to_logout).url).text
        assert "Log in" in browser.request("GET", f"{APP}/").text
        failed = browser.request("GET", f"{APP}/redirect_uri")
        assert (failed.status_code, failed.text) == (400, "Login failed: state_missing")
        browser.close()
        visited.append(issuer)

    with_provider(served, scenario)
    assert visited


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_api_in_ten_minutes(adapter: Adapter) -> None:
    served, app, with_jwts = blocks_of("docs/tutorials/protect-an-api.md")
    answers: list[tuple[int, Any]] = []

    def scenario(provider: Any, issuer: str) -> None:
        token = provider.issue_access_token(
            "notes-app", username="alice", scope="notes:read", audience="https://notes.example.com"
        )
        names = run(adapter.migrated(app.code).replace("http://127.0.0.1:8000", issuer), __name__="app")
        client = adapter.client(names["app"])
        missing = bring(client, f"{APP}/notes")
        assert missing.headers["www-authenticate"] == 'Bearer scope="notes:read"'
        for method in ("GET", "DELETE"):
            response = bring(client, f"{APP}/notes", token, method)
            answers.append((response.status_code, response.json()))
        client.close()

    printed = with_provider(served, scenario)
    assert [line.split("=")[0] for line in printed[:1]] == ["TOKEN"]
    (read, notes), (deleted, rejection) = answers
    assert (read, notes) == (200, {"client": "notes-app", "notes_of": "alice"})
    assert (deleted, rejection["error"]) == (403, "insufficient_scope")
    assert run(with_jwts.code, **run(app.code.splitlines()[1], __name__="app"))["provider"] is not None


def test_the_tests_of_the_tutorial_pass(pytester: pytest.Pytester) -> None:
    files = ("app.py", "conftest.py", "test_login.py")
    for name, block in zip(files, blocks_of("docs/tutorials/test-your-app.md"), strict=True):
        (pytester.path / name).write_text(block.code)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    result.assert_outcomes(passed=3)
