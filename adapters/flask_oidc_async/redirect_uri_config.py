"""The redirect URI, under the name where Flask-pyoidc has it."""

from oidc_async.configuration.redirect_uri import RedirectUriConfig

__all__ = ["RedirectUriConfig"]
