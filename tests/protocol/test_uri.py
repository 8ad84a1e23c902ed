"""Which URIs may carry codes and tokens: threat model 4, 5, 6, 9, 216."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oidc_async.protocol.uri import (
    MAX_URI_LENGTH,
    is_encodable,
    is_loopback,
    issuer_problem,
    origin,
    uri_problem,
    with_query,
)


@pytest.mark.parametrize(
    "uri",
    [
        "https://op.example",
        "https://op.example/",
        "https://op.example:8443/tenant/a-b_c~d/%20?p=B2C_1&q=a%2Fb",
        "https://OP.example/",
        "https://xn--bcher-kva.example/",
        "https://a_b.example/",
        "https://192.0.2.1/",
        "https://[2001:db8::1]:8443/",
        "http://localhost/",
        "http://localhost:5000/",
        "http://127.0.0.1:5000/",
        "http://127.8.9.10/",
        "http://[::1]:5000/",
        "https://localhost/",
    ],
)
def test_a_usable_uri_has_no_problem(uri: str) -> None:
    """threat model 4: plain http only to a literal loopback host."""
    assert uri_problem(uri) is None


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        pytest.param(None, "must be a URL", id="9-none"),
        pytest.param(5, "must be a URL", id="9-number"),
        pytest.param(["https://op.example"], "must be a URL", id="9-list"),
        pytest.param("", "must be a URL", id="9-empty"),
        pytest.param("https://op.example/" + "x" * MAX_URI_LENGTH, "must be a URL", id="209-endless"),
        pytest.param("/token", "absolute", id="9-relative"),
        pytest.param("//op.example/token", "absolute", id="9-without-scheme"),
        pytest.param("op.example/token", "absolute", id="9-name-only"),
        pytest.param("https:op.example", "absolute", id="9-no-slashes"),
        pytest.param("https:/op.example", "absolute", id="9-one-slash"),
        pytest.param("https://", "host", id="9-no-host"),
        pytest.param("https:///op.example", "host", id="9-three-slashes"),
        pytest.param("HTTPS://op.example/", "absolute", id="4-capitals"),
        pytest.param("javascript:alert(1)", "absolute", id="9-javascript"),
        pytest.param("data:text/plain,x", "absolute", id="9-data"),
        pytest.param("file:///etc/passwd", "absolute", id="216-file"),
        pytest.param("ftp://op.example/", "absolute", id="216-ftp"),
        pytest.param("http://op.example/", "https", id="4-http"),
        pytest.param("http://169.254.169.254/latest", "https", id="216-link-local"),
        pytest.param("http://10.0.0.1/", "https", id="216-private"),
        pytest.param("http://0.0.0.0/", "https", id="216-any"),
        pytest.param("http://localhost.evil.example/", "https", id="5-localhost-as-a-prefix"),
        pytest.param("http://evil-localhost/", "https", id="5-localhost-as-a-suffix"),
        pytest.param("http://localhost./", "https", id="5-localhost-and-a-dot"),
        pytest.param("http://127.0.0.1.evil.example/", "https", id="5-loopback-as-a-prefix"),
        pytest.param("http://127.1/", "https", id="5-short-address"),
        pytest.param("http://2130706433/", "https", id="5-address-as-a-number"),
        pytest.param("http://0x7f.0.0.1/", "https", id="5-address-in-hexadecimal"),
        pytest.param("http://0177.0.0.1/", "https", id="5-address-in-octal"),
        pytest.param("http://localhost:80@evil.example/", "credentials", id="5-host-behind-credentials"),
        pytest.param("https://user:pw@op.example/", "credentials", id="5-credentials"),
        pytest.param("https://@op.example/", "credentials", id="5-empty-credentials"),
        pytest.param("http://[::1%25eth0]/", "host", id="5-zone"),
        pytest.param("https://[op.example]/", "host", id="207-name-in-brackets"),
        pytest.param("https://[::1/", "host", id="207-bracket-open"),
        pytest.param("https://op%2eexample/", "host", id="5-encoded-host"),
        pytest.param("https://op.example;evil.example/", "host", id="5-semicolon"),
        pytest.param("https://op.example,evil.example/", "host", id="5-comma"),
        pytest.param("https://op.example&evil.example/", "host", id="5-ampersand"),
        pytest.param("https://*.example/", "host", id="9-wildcard"),
        pytest.param("https://op.example:0/", "host", id="9-port-0"),
        pytest.param("https://op.example:/", "host", id="9-port-empty"),
        pytest.param("https://op.example:65536/", "host", id="9-port-too-large"),
        pytest.param("https://op.example:+443/", "host", id="9-port-signed"),
        pytest.param("https://op.example:443:443/", "host", id="9-two-ports"),
        pytest.param("https://op.example:https/", "host", id="9-port-by-name"),
        pytest.param("https://op.example/#", "fragment", id="9-empty-fragment"),
        pytest.param("https://op.example/#/login", "fragment", id="9-fragment"),
        pytest.param("https://op.example#@evil.example/", "fragment", id="5-fragment-before-path"),
        pytest.param("https://op.example\\@evil.example/", "characters", id="202-backslash"),
        pytest.param("https://op.example/a b", "characters", id="9-space"),
        pytest.param(" https://op.example/", "characters", id="204-space-before"),
        pytest.param("https://op.example/\t", "characters", id="204-tab"),
        pytest.param("https://op.ex\nample/", "characters", id="204-line-break"),
        pytest.param("https://op.example/\r\nX: 1", "characters", id="208-header"),
        pytest.param("https://op.example/\x00", "characters", id="9-null"),
        pytest.param("https://op.example/\x7f", "characters", id="9-delete"),
        pytest.param("https://op.example/\u00e9", "characters", id="9-outside-ascii"),
        pytest.param("https://\u217c\u2134calhost/", "characters", id="2-unicode-host"),
        pytest.param("https://op.example/\ud800", "characters", id="9-half-a-surrogate-pair"),
        pytest.param("https://op.example/{tenantid}/v2.0", "braces", id="16-template"),
        pytest.param('https://op.example/"onload="', "characters", id="9-quotes"),
        pytest.param("https://op.example/<script>", "characters", id="9-markup"),
    ],
)
def test_a_hidden_host_or_a_malformed_url_is_a_problem(uri: Any, problem: str) -> None:
    """threat model 4, 5, 9, 16, 202, 204, 207, 208, 216."""
    found = uri_problem(uri)
    assert found is not None
    assert problem in found
    assert issuer_problem(uri) == found


@pytest.mark.parametrize("issuer", ["https://op.example?", "https://op.example/?tenant=a"])
def test_an_issuer_has_no_query(issuer: str) -> None:
    """threat model 6."""
    assert uri_problem(issuer) is None
    assert issuer_problem(issuer) == "must not have a query"


@settings(deadline=None)
@given(uri=st.text() | st.text(alphabet="https:/@#?.[]%\\{}loca1230;,\ud800", max_size=60).map("https://{}".format))
def test_no_text_is_too_odd_to_be_judged(uri: str) -> None:
    problem = uri_problem(uri)
    assert problem is None or problem.startswith("must")


@pytest.mark.parametrize(
    ("host", "answer"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.255.255.254", True),
        ("::1", True),
        ("", False),
        (None, False),
        ("localhost.evil.example", False),
        ("128.0.0.1", False),
        ("::", False),
        ("0.0.0.0", False),
    ],
)
def test_loopback_is_judged_by_the_literal_host(host: str | None, answer: bool) -> None:
    """threat model 4, 5."""
    assert is_loopback(host) is answer


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://op.example", "https://op.example"),
        ("https://OP.example:443/a?b#c", "https://op.example"),
        ("http://localhost:80/", "http://localhost"),
        ("http://localhost:443/", "http://localhost:443"),
        ("https://op.example:8443/", "https://op.example:8443"),
        ("https://[::1]:8443/", "https://[::1]:8443"),
    ],
)
def test_an_origin_is_scheme_host_and_port(uri: str, expected: str) -> None:
    assert origin(uri) == expected


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://op.example/a", "https://op.example/a?x=%26y%3D%3F%23%2B%20%25"),
        ("https://op.example/a?", "https://op.example/a?&x=%26y%3D%3F%23%2B%20%25"),
        ("https://op.example/a?b=c", "https://op.example/a?b=c&x=%26y%3D%3F%23%2B%20%25"),
    ],
)
def test_a_value_cannot_break_out_of_its_parameter(uri: str, expected: str) -> None:
    """threat model 136, 214."""
    assert with_query(uri, {"x": "&y=?#+ %"}) == expected


@pytest.mark.parametrize(
    ("value", "answer"),
    [("a?é\U0001d11e", True), ("", True), ("\ud800", False), (b"a", False), (5, False), (None, False)],
    ids=str,
)
def test_only_unicode_text_can_be_encoded(value: object, answer: bool) -> None:
    assert is_encodable(value) is answer
