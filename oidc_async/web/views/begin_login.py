"""A login that a view asks for: to log in again, to authenticate better, or at a provider that the user chose."""

import re
from collections.abc import Mapping
from posixpath import normpath
from typing import Any
from urllib.parse import unquote

from oidc_async.configuration.request_parameters import as_parameters, require_theirs
from oidc_async.errors import LoginRequestInvalid
from oidc_async.web.application import WebApplication
from oidc_async.web.http.messages import WebResponse, redirect
from oidc_async.web.http.navigation import comes_without_cookies, is_navigation, login_required
from oidc_async.web.http.return_path import is_same_origin_path, path_of
from oidc_async.web.request_context import RequestContext

from .login_required import announcing_failure, begin_login

OF_ALL_LOGINS = {
    "response_mode": "the redirect URI awaits what auth_request_params asks for",
    "response_type": "the redirect URI awaits what auth_request_params asks for",
}


async def log_in(
    context: RequestContext, provider_name: str, return_to: str | None, parameters: Mapping[str, Any]
) -> WebResponse:
    """The way to that provider's login, and back to `return_to`; 401 for a script.

    What another site posted is asked for once more by GET, with which the session comes.
    `return_to` is a path or a URL of this origin, the page of the request when None. `parameters` are laid over
    `auth_request_params`. The present session stays until the new login has succeeded. Raises LoginRequestInvalid
    before anybody is asked; ConfigurationError, ProviderError, LoginLoop, StoreError.
    """
    if not is_navigation(context.request):
        return login_required()
    context.login_provider = provider_name
    with announcing_failure(context):
        path = None if return_to is None else _return_path(context.application, return_to)
    if comes_without_cookies(context.request):
        return redirect(context.return_path(), 303)
    await context.require_session()
    asked = as_parameters("login", parameters)
    require_theirs("login", asked, OF_ALL_LOGINS)
    return await begin_login(context, provider_name, path, **asked)


def _return_path(application: WebApplication, return_to: str) -> str:
    is_path = is_same_origin_path(return_to)
    path = return_to if is_path else path_of(return_to, application.settings.redirect_uri.full_uri)
    return require_page(application, path, "return_to")


def require_page(application: WebApplication, path: str | None, parameter: str) -> str:
    """`path`, if a page may be there to be shown after a login. Raises LoginRequestInvalid, naming `parameter`."""
    # our own routes show nothing, and one of them would begin a login after each login
    if path is None or application.endpoint_below("", _as_routed(path)):
        raise LoginRequestInvalid(
            f"{parameter} must be the address of a page with the scheme, host and port of OIDC_REDIRECT_URI.",
            parameter=parameter,
        )
    return path


def _as_routed(path: str) -> str:
    """Decoded, without what browsers and servers leave out of a path: dot segments and second slashes."""
    return normpath("/" + unquote(re.split("[?#]", path)[0]).lstrip("/"))
