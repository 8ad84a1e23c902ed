"""The route by which another site sends the browser here to log in (OIDC Core 4)."""

from dataclasses import asdict
from urllib.parse import urlencode

from oidc_async.errors import LoginRequestInvalid
from oidc_async.protocol.initiate_login import ThirdPartyLogin, read_third_party_login
from oidc_async.web.application import WebApplication
from oidc_async.web.http.messages import WebRequest, WebResponse, redirect
from oidc_async.web.http.navigation import comes_without_cookies, is_navigation, login_required
from oidc_async.web.http.return_path import path_of, root_path
from oidc_async.web.request_context import RequestContext
from oidc_async.web.views.begin_login import announcing_failure, begin_login, require_page


async def initiate_login(context: RequestContext, body: bytes) -> WebResponse:
    """The way to a login at the provider that `iss` names, then to `target_link_uri`; 401 for what is no navigation.

    `body` is that of a POST. The present session stays until the new login has succeeded. Raises
    LoginRequestInvalid or DuplicateParameter, before anybody is asked; ProviderError, LoginLoop, StoreError.
    """
    application, request = context.application, context.request
    if not is_navigation(request):
        return login_required()
    with announcing_failure(context):
        asked = read_third_party_login(_encoded_parameters(request, body))
        context.login_provider = provider_name = _provider_name(application, asked.iss)
        path = _return_path(application, asked.target_link_uri) or root_path(request)
    if comes_without_cookies(request):
        return _once_more_by_get(application, asked)
    hint = {} if asked.login_hint is None else {"login_hint": asked.login_hint}
    await context.require_session()
    return await begin_login(context, provider_name, path, **hint)


def _once_more_by_get(application: WebApplication, asked: ThirdPartyLogin) -> WebResponse:
    uri = application.settings.initiate_login_uri
    given = {name: value for name, value in asdict(asked).items() if value is not None}
    return redirect(f"{uri.full_uri if uri else ''}?{urlencode(given)}", 303)


def _encoded_parameters(request: WebRequest, body: bytes) -> str:
    # one character for each byte: what is outside ASCII is refused with all else that is no form
    return request.query if request.method == "GET" else body.decode("latin-1")


def _provider_name(application: WebApplication, iss: str) -> str:
    """The first provider with this Issuer Identifier: nothing is discovered for a stranger."""
    for name, client in application.clients.items():
        if client.configuration.issuer_identifier == iss:
            return name
    raise LoginRequestInvalid("iss must be the issuer of a provider of this application.", parameter="iss")


def _return_path(application: WebApplication, uri: str | None) -> str | None:
    if uri is None:
        return None
    path = path_of(uri, application.settings.redirect_uri.full_uri)
    return require_page(application, path, "target_link_uri")
