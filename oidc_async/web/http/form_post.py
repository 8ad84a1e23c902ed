"""A page that posts a form to the provider by itself: what it holds is in no URL, and so in no log or history."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html import escape

from .messages import WebResponse

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<form method="post" action="{action}">
{fields}
<button>{title}</button>
</form>
<script>{script}</script>
</html>
"""
FIELD = '<input type="hidden" name="{name}" value="{value}">'
SCRIPT = "HTMLFormElement.prototype.submit.call(document.forms[0])"
"""A parameter that is called submit would stand in the place of the form's own method."""
DIGEST = b64encode(sha256(SCRIPT.encode()).digest()).decode()
# No target in form-action: browsers apply it to the redirects that follow, and a provider may send on to others.
POLICY = (
    f"default-src 'none'; script-src 'sha256-{DIGEST}'; form-action https: http:; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def form_post(action: str, fields: Mapping[str, str], *, title: str) -> WebResponse:
    """The page. Its button, called `title`, is for browsers that run no script."""
    inputs = "\n".join(FIELD.format(name=escape(name), value=escape(value)) for name, value in fields.items())
    body = PAGE.format(title=escape(title), action=escape(action), fields=inputs, script=SCRIPT)
    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": POLICY,
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
    }
    return WebResponse(status=200, headers=headers, body=body)
