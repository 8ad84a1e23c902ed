"""What a page for Quart assumes: an app with a login at one provider, and its test client."""

from quart import Quart, abort, redirect, render_template, request, session, websocket
from quart.typing import TestClientProtocol
from quart_oidc_async import OIDCAuthentication, UserSession

from oidc_async import AsyncRelyingParty

app: Quart
auth: OIDCAuthentication
client: TestClientProtocol
party: AsyncRelyingParty
