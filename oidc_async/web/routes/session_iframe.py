"""The RP iframe of OIDC Session Management 1.0 (3.1), which polls the check_session_iframe of the provider.

It asks the iframe of the provider every few seconds whether the session has changed there. If it has, it stops
polling and notifies the surrounding page, and the next protected page starts a silent renewal (`prompt=none`). The
renewal redirects the whole tab, since browsers do not send the provider's cookies from a frame.
"""

from base64 import b64encode
from hashlib import sha256
from html import escape

from oidc_async.errors import ProviderError
from oidc_async.protocol.uri import origin
from oidc_async.web.http.messages import WebRequest, WebResponse
from oidc_async.web.http.navigation import is_embedded, is_prefetch
from oidc_async.web.request_context import RequestContext
from oidc_async.web.sessions.renewal_state import is_rejected, note_change, read_state

CHANGED = "changed"
"""The query with which the iframe reports a change."""
SECONDS = 3
"""Between two messages to the iframe of the provider."""

# Only messages of the provider's iframe count. Any answer except "unchanged" stops the polling: after "changed" the
# page loads again with ?changed, and after "error" polling would not help (OIDC Session Management 3.1).
WATCH = """
const { message, origin, wait, every } = document.body.dataset;
const frame = document.querySelector("iframe");
const ask = () => frame.contentWindow.postMessage(message, origin);
let timer;
addEventListener("message", (event) => {
  if (event.origin !== origin || event.source !== frame.contentWindow) return;
  document.body.dataset.answer = event.data === "unchanged" || event.data === "changed" ? event.data : "error";
  if (event.data === "unchanged") return;
  clearInterval(timer);
  if (event.data === "changed") location.replace(location.pathname + "?changed");
});
setTimeout(() => { ask(); timer = setInterval(ask, every * 1000); }, wait * 1000);
"""
TELL = """
if (parent !== window) parent.postMessage("oidc_async:session_changed", location.origin);
"""
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Session</title>
{body}
</html>
"""


async def session_iframe(context: RequestContext) -> WebResponse:
    """Return the page of the iframe. It polls only if there is a session with a `session_state`.

    Raises StoreError.
    """
    request = context.request
    await context.require_session()
    watched = await _watched(context)
    if watched is None or request.method != "GET" or is_prefetch(request) or not _is_from_our_pages(request):
        return _page("<body><p>There is no session to watch.</p></body>")
    # The change is recorded in a cookie by this request of our own page; the script of the iframe cannot set it, as
    # the cookie is HttpOnly and sealed.
    if request.query == CHANGED:
        note_change(context)
        return _page(f"<body><p>The session has changed.</p><script>{TELL}</script></body>", script=TELL)
    state = read_state(context)
    if state.has_changed(context.session) or is_rejected(context):
        # The page was notified before. If it reloads itself on a change, another notification would cause a loop.
        return _page("<body><p>The session has changed.</p></body>")
    # Polling waits for the end of the pause, as a change that is found earlier could not be acted on.
    return _watching_page(*watched, wait=state.pause_left(context.application.now()))


def _is_from_our_pages(request: WebRequest) -> bool:
    # Other sites can count the frames in a window that they open, which must not reveal whether there is a session.
    return request.headers.get("sec-fetch-site", "same-origin") == "same-origin" and not is_embedded(request)


async def _watched(context: RequestContext) -> tuple[str, str] | None:
    """Return the URL of the provider's iframe and the message for it; None if there is nothing to watch."""
    session_state = context.session.get("session_state")
    client = context.application.clients.get(context.session.get("current_provider", ""))
    if client is None or session_state is None:
        return None
    try:
        metadata = await client.provider.metadata()
    except ProviderError:
        return None
    frame = metadata.get("check_session_iframe")
    client_id = client.provider.known_client.get("client_id")
    return None if frame is None or client_id is None else (frame, f"{client_id} {session_state}")


def _watching_page(frame: str, message: str, *, wait: float) -> WebResponse:
    data = {"message": message, "origin": origin(frame), "wait": f"{wait:.0f}", "every": str(SECONDS)}
    attributes = " ".join(f'data-{name}="{escape(value, quote=True)}"' for name, value in data.items())
    body = f'<body {attributes}><iframe src="{escape(frame, quote=True)}"></iframe><script>{WATCH}</script></body>'
    return _page(body, script=WATCH, frames=origin(frame))


def _page(body: str, *, script: str = "", frames: str = "'none'") -> WebResponse:
    scripts = f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" if script else "'none'"
    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": f"default-src 'none'; script-src {scripts}; frame-src {frames}; base-uri 'none'; "
        "frame-ancestors 'self'",
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    return WebResponse(status=200, headers=headers, body=PAGE.format(body=body))
