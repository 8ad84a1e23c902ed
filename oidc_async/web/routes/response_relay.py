"""The response relay: a page that posts an authorization response again, from our own origin.

Two kinds of responses do not reach the callback completely. A cross-site form_post has no cookies, since ours are
SameSite=Lax. A fragment stays in the browser. For both the redirect URI responds with a page that posts the response
again from our origin, so that the browser sends all cookies: that of the pending login, and those of the session that
the login may replace. Therefore no cookie needs SameSite=None, which requires https and which some browsers block,
and all responses are completed in the same way.
"""

from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from html import escape
from typing import Literal
from urllib.parse import parse_qsl

from oidc_async.web.application import WebApplication
from oidc_async.web.http.messages import WebRequest, WebResponse

MODE = "response_mode"
RESPONSE = "authorization_response"
RelayedMode = Literal["fragment", "form_post"]
RELAYED: Mapping[str, RelayedMode] = {"fragment": "fragment", "form_post": "form_post"}

# The fragment is removed from the address before the form is posted, so that its tokens are not in the history.
SCRIPT = """
const form = document.forms[0];
if (form.elements.response_mode.value === "fragment") {
  form.elements.authorization_response.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
}
form.submit();
"""
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Logging in</title>
<form method="post" autocomplete="off">
<input type="hidden" name="response_mode" value="{mode}">
<input type="hidden" name="authorization_response" value="{response}">
<noscript>{without_script}</noscript>
</form>
<script>{script}</script>
</html>
"""
WITHOUT_SCRIPT: Mapping[RelayedMode, str] = {
    "fragment": "<p>This login needs JavaScript. Allow it for this page, then reload the page.</p>",
    "form_post": "<p>One more step completes the login.</p><button>Continue</button>",
}
# The policy allows this one script by its hash, and nothing else: the response in the page comes from another site.
_SCRIPT_HASH = b64encode(sha256(SCRIPT.encode()).digest()).decode()
# There is no form-action, since Chromium applies it to all redirects after the form, and the page at the end of the
# login may redirect to another origin.
HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": f"default-src 'none'; script-src 'sha256-{_SCRIPT_HASH}'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def awaits_fragment(application: WebApplication, request: WebRequest) -> bool:
    """Whether the response may be in the fragment of this URL, which only a script in the browser can read."""
    return request.method == "GET" and not request.query and "fragment" in application.response_modes


def lacks_cookies(application: WebApplication, request: WebRequest, state: str) -> bool:
    """Whether this form_post has no cookie of its pending login, as a cross-site POST has no Lax cookies."""
    is_expected = "form_post" in application.response_modes
    return is_expected and not application.pending_logins.is_pending(state, request.cookies)


def relay_response(mode: RelayedMode, response: str) -> WebResponse:
    """Return the page that posts an encoded response again; for `mode` "fragment" it takes it from its own URL."""
    body = PAGE.format(
        mode=mode, response=escape(response, quote=True), without_script=WITHOUT_SCRIPT[mode], script=SCRIPT
    )
    return WebResponse(status=200, headers=HEADERS, body=body)


def read_relayed(form: str) -> tuple[str, RelayedMode] | None:
    """Return the response that our page posted, and its original response mode; None for all other forms."""
    # Exactly our two fields in our order, so that no response of a provider is mistaken for a relayed one.
    with suppress(ValueError):
        fields = parse_qsl(form, keep_blank_values=True, max_num_fields=2)
        if [name for name, _ in fields] == [MODE, RESPONSE] and fields[0][1] in RELAYED:
            return fields[1][1], RELAYED[fields[0][1]]
    return None
