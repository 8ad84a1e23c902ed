"""Distinguishes page navigations, which can be redirected to a login, from requests of scripts."""

import json
from collections.abc import Mapping

from .messages import WebRequest, WebResponse

PAGES = ("document", "iframe", "frame")
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")


def is_navigation(request: WebRequest) -> bool:
    """Whether the browser would show the login page that it is redirected to."""
    if is_prefetch(request) or not _is_of_a_page(request.headers) or request.prefers_json():
        return False
    return request.method == "GET" or (request.method == "POST" and _is_form(request))


def is_page(request: WebRequest) -> bool:
    """Whether this is a GET navigation of a whole tab, which a silent renewal may redirect to the provider.

    Providers reject being shown in a frame, and a form cannot be posted again after the redirects.
    """
    in_tab = request.headers.get("sec-fetch-dest", "document") == "document"
    return request.method == "GET" and in_tab and is_navigation(request)


def is_prefetch(request: WebRequest) -> bool:
    """Whether the browser prefetches a page that the user has not requested."""
    purpose = request.headers.get("sec-purpose") or request.headers.get("purpose") or ""
    return "prefetch" in purpose.lower()


def comes_without_cookies(request: WebRequest) -> bool:
    """Whether another site posted this, so that the browser sends none of our SameSite=Lax cookies.

    Such a request must not start a login, because the number of pending logins is unknown without cookies. A site
    that posts repeatedly would fill the browser with login cookies until the server rejects its request headers.
    """
    return request.method == "POST" and request.headers.get("sec-fetch-site") == "cross-site"


def is_embedded(request: WebRequest) -> bool:
    """Whether a page loads this as a subresource, such as an image or a script."""
    return request.method == "GET" and request.headers.get("sec-fetch-mode") == "no-cors"


def login_required() -> WebResponse:
    """Return the 401 response that a script gets instead of a redirect."""
    body = {"error": "login_required", "error_description": "Log in to use this resource."}
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return WebResponse(status=401, headers=headers, body=json.dumps(body))


def _is_of_a_page(headers: Mapping[str, str]) -> bool:
    mode = headers.get("sec-fetch-mode")
    if mode is None:
        return "x-requested-with" not in headers
    # Scripts cannot forge the Sec-Fetch headers. X-Requested-With does not count beside them, as the web views of
    # Android send it with navigations, too.
    return mode == "navigate" and headers.get("sec-fetch-dest", "document") in PAGES


def _is_form(request: WebRequest) -> bool:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return content_type in ("", *FORM_TYPES)
