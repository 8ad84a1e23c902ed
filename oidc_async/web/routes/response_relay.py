"""Authorization responses that reach us without their cookies, or not at all: a page of ours sends them once more.

What another site posts comes without our cookies, which are SameSite=Lax, and a fragment stays in the browser. The
page at the redirect URI posts both from here, where all cookies come along: that of the pending login, and those of
the session that it may take the place of. So none of them has to be SameSite=None, which needs https and which some
browsers block, and every response is finished in the same way.
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

MODE, RESPONSE = "response_mode", "authorization_response"
RelayedMode = Literal["fragment", "form_post"]
RELAYED: Mapping[str, RelayedMode] = {"fragment": "fragment", "form_post": "form_post"}

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
    "fragment": "<p>This login needs JavaScript: allow it for this page, and load the page again.</p>",
    "form_post": "<p>One more step finishes the login.</p><button>Go on</button>",
}
_SCRIPT_HASH = b64encode(sha256(SCRIPT.encode()).digest()).decode()
# no form-action: Chromium holds it against every redirect after the form, and the page that a login ends on may lead
# to another origin
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
    """Whether this form_post came without the cookie of its pending login, as it was sent by another site."""
    is_expected = "form_post" in application.response_modes
    return is_expected and not application.pending_logins.is_begun(state, request.cookies)


def relay_page(mode: RelayedMode, response: str) -> WebResponse:
    """Return the page that posts an encoded response again; for `mode` "fragment" it takes it from its own URL."""
    body = PAGE.format(
        mode=mode, response=escape(response, quote=True), without_script=WITHOUT_SCRIPT[mode], script=SCRIPT
    )
    return WebResponse(status=200, headers=HEADERS, body=body)


def read_relayed(form: str) -> tuple[str, RelayedMode] | None:
    """The encoded response that our page posted, and by which way it had come; None for any other form."""
    with suppress(ValueError):
        fields = parse_qsl(form, keep_blank_values=True, max_num_fields=2)
        if [name for name, _ in fields] == [MODE, RESPONSE] and fields[0][1] in RELAYED:
            return fields[1][1], RELAYED[fields[0][1]]
    return None
