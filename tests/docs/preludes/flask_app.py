"""What a page for Flask assumes: an app with a login at one provider, and its test client."""

from flask import Flask, abort, redirect, render_template, request, session
from flask.testing import FlaskClient
from flask_oidc_async import OIDCAuthentication, UserSession

from oidc_async import RelyingParty

app: Flask
auth: OIDCAuthentication
client: FlaskClient
party: RelyingParty
