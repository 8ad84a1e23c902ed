"""The route for third-party-initiated logins (OIDC Core 4)."""

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
    """Redirect to the provider that `iss` names, and afterwards to `target_link_uri`.

    A request that is not a navigation gets 401. The present session is kept until the new login succeeds.

    Args:
        context: The context of the request.
        body: The body of a POST.

    Raises:
        LoginRequestInvalid: A parameter is invalid.
        DuplicateParameter: A parameter occurs twice.
        ProviderError: The provider could not be reached.
        LoginLoop: The browser does not keep the session.
        StoreError: The session could not be loaded.
    """
    application = context.application
    request = context.request
    if not is_navigation(request):
        return login_required()
    with announcing_failure(context):
        requested = read_third_party_login(_encoded_parameters(request, body))
        context.login_provider = provider_name = _provider_name(application, requested.iss)
        path = _return_path(application, requested.target_link_uri) or root_path(request)
    if comes_without_cookies(request):
        return _redirect_to_get(application, requested)
    hint = {} if requested.login_hint is None else {"login_hint": requested.login_hint}
    await context.require_session()
    return await begin_login(context, provider_name, path, **hint)


def _redirect_to_get(application: WebApplication, requested: ThirdPartyLogin) -> WebResponse:
    uri = application.settings.initiate_login_uri
    given = {name: value for name, value in asdict(requested).items() if value is not None}
    return redirect(f"{uri.full_uri if uri else ''}?{urlencode(given)}", 303)


def _encoded_parameters(request: WebRequest, body: bytes) -> str:
    # Latin-1 maps each byte to one character. The parser of the form rejects characters outside ASCII.
    return request.query if request.method == "GET" else body.decode("latin-1")


def _provider_name(application: WebApplication, iss: str) -> str:
    """Return the first provider with this issuer identifier. Nothing is discovered for unauthenticated requests."""
    for name, client in application.clients.items():
        if client.configuration.issuer_identifier == iss:
            return name
    raise LoginRequestInvalid("iss must be the issuer of a configured provider.", parameter="iss")


def _return_path(application: WebApplication, uri: str | None) -> str | None:
    if uri is None:
        return None
    path = path_of(uri, application.settings.redirect_uri.full_uri)
    return require_page(application, path, "target_link_uri")
