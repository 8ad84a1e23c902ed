"""check_session_iframe and session_state (OIDC Session Management 1.0)."""

import secrets
from hashlib import sha256

from oidc_async.protocol.uri import origin

from .registry import ProviderSession
from .reply import Reply, page_reply

COOKIE = "simulated_provider_session"
"""The cookie with the browser state, which only check_session_iframe reads."""

_SCRIPT = """
const cookie = (name) => document.cookie.split("; ").find((it) => it.startsWith(name + "="))?.split("=")[1] ?? "";
const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
const answer = async (data, origin) => {
  const [client, state, ...more] = typeof data === "string" ? data.split(" ") : [];
  const [hash, salt] = (state ?? "").split(".");
  if (!client || !hash || !salt || more.length) return "error";
  const text = new TextEncoder().encode([client, origin, cookie("%s"), salt].join(" "));
  return hash === hex(await crypto.subtle.digest("SHA-256", text)) ? "unchanged" : "changed";
};
addEventListener("message", async (event) => {
  if (event.source === parent) event.source.postMessage(await answer(event.data, event.origin), event.origin);
});
"""


def check_session_page() -> Reply:
    return page_reply("Session", f"<script>{_SCRIPT % COOKIE}</script>")


def browser_state(session: ProviderSession) -> str:
    return sha256(f"browser state of {session.sid}".encode()).hexdigest()


def session_state(client_id: str, redirect_uri: str, session: ProviderSession) -> str:
    """Return the session_state for one client (OIDC Session Management 3.2)."""
    salt = secrets.token_hex(8)
    text = " ".join((client_id, origin(redirect_uri), browser_state(session), salt))
    return f"{sha256(text.encode()).hexdigest()}.{salt}"
