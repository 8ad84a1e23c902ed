// How the provider listens on loopback: by http, or by https at two ports, one of which asks for certificates (RFC 8705 5).
// TLS_CERTIFICATE, TLS_KEY: PEM files; without them it is http.
// CLIENT_AUTHORITY: the PEM file of the authority that signs the certificates of clients. MTLS_PORT: where these are asked for.
import { readFileSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';

const { TLS_CERTIFICATE, TLS_KEY, CLIENT_AUTHORITY, MTLS_PORT } = process.env;
const enabled = Boolean(TLS_CERTIFICATE);
export const scheme = enabled ? 'https' : 'http';

const certificate = (ctx) => ctx.socket.getPeerX509Certificate?.();

export const mTLS = {
  enabled,
  certificateBoundAccessTokens: true,
  tlsClientAuth: true,
  selfSignedTlsClientAuth: true,
  getCertificate: certificate,
  certificateAuthorized: (ctx) => ctx.socket.authorized,
  certificateSubjectMatches: (ctx, property, expected) => (
    property === 'tls_client_auth_subject_dn' && certificate(ctx).subject === expected
  ),
};

const alias = (path) => `https://127.0.0.1:${MTLS_PORT}${path}`;
export const aliases = enabled ? {
  mtls_endpoint_aliases: {
    token_endpoint: alias('/token'),
    introspection_endpoint: alias('/token/introspection'),
    revocation_endpoint: alias('/token/revocation'),
    userinfo_endpoint: alias('/me'),
  },
} : {};

export const listen = (answer, port) => {
  const start = (server, at) => server.listen(Number(at), '127.0.0.1', () => console.log(`ready at ${scheme}, ${at}`));
  if (!enabled) {
    start(http.createServer(answer), port);
    return;
  }
  const options = { cert: readFileSync(TLS_CERTIFICATE), key: readFileSync(TLS_KEY) };
  const asking = { ...options, ca: readFileSync(CLIENT_AUTHORITY), requestCert: true, rejectUnauthorized: false };
  start(https.createServer(asking, answer), MTLS_PORT);
  start(https.createServer(options, answer), port);
};
