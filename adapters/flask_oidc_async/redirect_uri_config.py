"""The redirect URI, under the name where Flask-pyoidc has it."""

from oidc_async.redirect_uri_config import RedirectUriConfig

__all__ = ["RedirectUriConfig"]
