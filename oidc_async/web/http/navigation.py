"""Whether a request is a person going to a page, who can be sent to a login, or a script, who can't."""

import json
from collections.abc import Mapping

from .messages import WebRequest, WebResponse

PAGES = ("document", "iframe", "frame")
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")


def is_navigation(request: WebRequest) -> bool:
    """Whether a redirect to a login page would be shown to somebody."""
    if is_prefetch(request) or not _is_of_a_page(request.headers) or request.prefers_json():
        return False
    return request.method == "GET" or (request.method == "POST" and _is_form(request))


def is_page(request: WebRequest) -> bool:
    """Whether somebody goes to a page that fills a tab: one that may be sent through the provider unseen.

    Providers let nobody put them into a frame, and a form can't be sent again.
    """
    in_tab = request.headers.get("sec-fetch-dest", "document") == "document"
    return request.method == "GET" and in_tab and is_navigation(request)


def is_prefetch(request: WebRequest) -> bool:
    """Whether a browser looks ahead, without anybody having asked for the page."""
    purpose = request.headers.get("sec-purpose") or request.headers.get("purpose") or ""
    return "prefetch" in purpose.lower()


def comes_without_cookies(request: WebRequest) -> bool:
    """Whether another site posted this: the browser then keeps our cookies back, which are SameSite=Lax.

    A login must not be begun by it, as nobody would see how many are pending already: a site that posts again and
    again would fill the browser with their cookies, until the server refuses its headers.
    """
    return request.method == "POST" and request.headers.get("sec-fetch-site") == "cross-site"


def is_embedded(request: WebRequest) -> bool:
    """Whether a page loads this as an image, a script or the like."""
    return request.method == "GET" and request.headers.get("sec-fetch-mode") == "no-cors"


def login_required() -> WebResponse:
    """What a script gets in place of a redirect."""
    body = {"error": "login_required", "error_description": "Log in to use this resource."}
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return WebResponse(status=401, headers=headers, body=json.dumps(body))


def _is_of_a_page(headers: Mapping[str, str]) -> bool:
    mode = headers.get("sec-fetch-mode")
    if mode is None:
        return "x-requested-with" not in headers
    # scripts can't forge these; the web views of Android send X-Requested-With with pages, too
    return mode == "navigate" and headers.get("sec-fetch-dest", "document") in PAGES


def _is_form(request: WebRequest) -> bool:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return content_type in ("", *FORM_TYPES)
