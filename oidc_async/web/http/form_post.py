"""A page that posts a form to the provider by itself, so that its values are in no URL, log or history."""

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
"""Called by way of the prototype, since a field that is named `submit` hides the method of the form."""
DIGEST = b64encode(sha256(SCRIPT.encode()).digest()).decode()
# form-action names no host: browsers apply it to the redirects that follow, too, and a provider may redirect to
# another host.
POLICY = (
    f"default-src 'none'; script-src 'sha256-{DIGEST}'; form-action https: http:; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def form_post(action: str, fields: Mapping[str, str], *, title: str) -> WebResponse:
    """Return a page that posts `fields` to `action`.

    Args:
        action: The URL to post to.
        fields: The names and values of the form.
        title: The title of the page and the text of its button, which is for browsers without JavaScript.
    """
    inputs = "\n".join(FIELD.format(name=escape(name), value=escape(value)) for name, value in fields.items())
    body = PAGE.format(title=escape(title), action=escape(action), fields=inputs, script=SCRIPT)
    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": POLICY,
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
    }
    return WebResponse(status=200, headers=headers, body=body)
