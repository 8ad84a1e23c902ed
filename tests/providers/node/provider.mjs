// node-oidc-provider on loopback, configured for the provider lane.
// PORT: where to listen. APPS: the base URLs of the applications, separated by spaces.
// CLIENT_JWKS: the public keys of the clients that registered for encryption, a JWK Set.
// ACCESS_TOKEN_SECONDS: how long the access tokens of a login live; refreshed ones live for ten minutes.
// With the variables that tls.mjs has, it speaks https.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { Provider, errors } from 'oidc-provider';
import { aliases, listen, mTLS, scheme } from './tls.mjs';

const { PORT, APPS = '', CLIENT_JWKS = '{"keys":[]}', ACCESS_TOKEN_SECONDS = '600' } = process.env;
const issuer = `${scheme}://127.0.0.1:${PORT}`;
const apps = APPS.split(' ').filter(Boolean);

// The process that starts this holds the other end of stdin: when they are gone, so are we.
process.stdin.on('end', () => process.exit(0)).resume();

// asked for as JWKs at once: the export of such a key afterwards now and then never ends in Node.js 20
const asJwk = { publicKeyEncoding: { format: 'jwk' }, privateKeyEncoding: { format: 'jwk' } };
const signingKey = (alg, type, options, use = 'sig') => ({
  ...generateKeyPairSync(type, { ...options, ...asJwk }).privateKey, alg, use, kid: `${alg}-1`,
});
// to which clients encrypt their requests
const decryptionKey = (...named) => signingKey(...named, 'enc');

const uris = (of) => ({
  redirect_uris: of.map((app) => `${app}/callback`),
  post_logout_redirect_uris: of.flatMap((app) => [`${app}/logout`, `${app}/logged-out`]),
});
const client = (client_id, token_endpoint_auth_method, client_secret, more = {}) => ({
  client_id, client_secret, token_endpoint_auth_method, ...uris(apps),
  response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token', ...(client_secret ? ['client_credentials'] : [])],
  ...more,
});

const responseTypes = ['code', 'id_token', 'code id_token', 'code token', 'code id_token token', 'id_token token'];
const signatures = ['RS256', 'PS256', 'ES256', 'ES512', 'EdDSA', 'HS256', 'HS512'];
const encryptions = ['RSA-OAEP', 'RSA-OAEP-256', 'ECDH-ES', 'ECDH-ES+A256KW', 'A192KW', 'dir'];
// clients that want their responses signed or encrypted in other ways than usual, as node_provider.py has them, too
const secret = 'protected-secret-0123456789abcdef0123456789abcdef0123456789abcdef';
const protectedClient = (client_id, registered) => client(client_id, 'client_secret_basic', secret, {
  ...registered, jwks: JSON.parse(CLIENT_JWKS),
});
// clients that authenticate by assertions, put their requests into objects, or show certificates, as they registered
const withoutNull = (value) => Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null));
const registeredClients = JSON.parse(process.env.REGISTERED_CLIENTS ?? '[]').map(withoutNull);
const protectedClients = Object.entries(JSON.parse(process.env.PROTECTED_CLIENTS ?? '{}'));

// clients that are notified when a user's session ends: which one it was, or only whose. There is one URL for each client,
// so it is the first of the applications that is notified.
const toldClient = (client_id, backchannel_logout_session_required) => apps.slice(0, 1).map((app) => client(
  client_id, 'client_secret_basic', 'told-secret-0123456789abcdef0123456789abcdef',
  { backchannel_logout_uri: `${app}/backchannel_logout`, backchannel_logout_session_required },
));
const toldClients = [...toldClient('told-which', true), ...toldClient('told-whose', false)];

// APIs, and what tokens for them look like (RFC 8707)
const tokenFormats = {
  'https://opaque.example': 'opaque', 'https://another-opaque.example': 'opaque',
  'https://jwt.example': 'jwt', 'https://another-jwt.example': 'jwt',
};
const api = (resource) => {
  if (!Object.hasOwn(tokenFormats, resource)) throw new errors.InvalidTarget();
  return { audience: resource, accessTokenFormat: tokenFormats[resource], scope: 'api:read api:write', accessTokenTTL: 600 };
};

// identifiers that hardly compress, as some directories use them
const groups = (count) => Array.from({ length: count }, () => randomUUID());
const people = {
  alice: {
    name: 'Alice Liddell', given_name: 'Alice', family_name: 'Liddell', preferred_username: 'alice',
    email: 'alice@example.com', email_verified: true, groups: ['staff'],
  },
  bob: { name: 'Bob Manifold', preferred_username: 'bob', email: 'bob@example.com', groups: groups(200) },
};

const provider = new Provider(issuer, {
  jwks: {
    keys: [
      signingKey('RS256', 'rsa', { modulusLength: 2048 }),
      signingKey('PS256', 'rsa', { modulusLength: 2048 }),
      signingKey('ES256', 'ec', { namedCurve: 'P-256' }),
      signingKey('ES512', 'ec', { namedCurve: 'P-521' }),
      signingKey('EdDSA', 'ed25519'),
      decryptionKey('RSA-OAEP-256', 'rsa', { modulusLength: 2048 }),
      decryptionKey('ECDH-ES', 'ec', { namedCurve: 'P-256' }),
    ],
  },
  cookies: { keys: ['only-for-tests'] },
  clients: [
    // characters that RFC 6749 2.3.1 wants form-encoded inside Basic
    client('basic', 'client_secret_basic', 'basic secret: 100% + a-b/0123456789'),
    client('post', 'client_secret_post', 'post-secret-0123456789abcdef0123456789abcdef'),
    client('public', 'none'),
    client('signed', 'client_secret_basic', 'signed-secret-0123456789abcdef0123456789abcdef', {
      introspection_signed_response_alg: 'RS256',
    }),
    ...toldClients,
    ...registeredClients.map((registered) => ({ ...client(), ...registered })),
    client('hybrid', 'client_secret_basic', 'hybrid-secret-0123456789abcdef0123456789abcdef', {
      // over http only a native client may get tokens by the browser, on loopback
      response_types: responseTypes, application_type: scheme === 'https' ? 'web' : 'native',
      ...uris(apps.filter((app) => app.startsWith(`${scheme}:`))),
      grant_types: ['authorization_code', 'refresh_token', 'implicit'],
    }),
    ...protectedClients.map(([client_id, registered]) => protectedClient(client_id, registered)),
  ],
  enabledJWA: {
    idTokenSigningAlgValues: signatures, userinfoSigningAlgValues: signatures,
    clientAuthSigningAlgValues: ['HS256', 'RS256', 'PS256', 'ES256', 'EdDSA'],
    requestObjectSigningAlgValues: ['HS256', 'RS256', 'PS256', 'ES256', 'EdDSA'],
    requestObjectEncryptionAlgValues: encryptions,
    idTokenEncryptionAlgValues: encryptions, userinfoEncryptionAlgValues: encryptions,
  },
  clientAuthMethods: [
    'client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'none',
    ...(mTLS.enabled ? ['tls_client_auth', 'self_signed_tls_client_auth'] : []),
  ],
  discovery: aliases,
  responseTypes,
  scopes: ['openid', 'offline_access', 'api:read', 'api:write'],
  claims: {
    openid: ['sub', 'sid', 'auth_time'],
    profile: ['name', 'given_name', 'family_name', 'preferred_username'],
    email: ['email', 'email_verified'],
    groups: ['groups'],
  },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
  features: {
    backchannelLogout: { enabled: true },
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    encryption: { enabled: true },
    introspection: { enabled: true },
    jwtIntrospection: { enabled: true },
    registration: { enabled: true, initialAccessToken: 'initial-access-token' },
    registrationManagement: { enabled: true, rotateRegistrationAccessToken: true },
    jwtUserinfo: { enabled: true },
    mTLS,
    resourceIndicators: {
      enabled: true, getResourceServerInfo: (_, resource) => api(resource), useGrantedResource: () => true,
    },
    requestObjects: { enabled: true },
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    userinfo: { enabled: true },
  },
  // the dispatcher would reject connections to loopback, where our applications are
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  pkce: { required: () => true },
  issueRefreshToken: (_, registered) => registered.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  ttl: {
    AccessToken: (ctx) => (ctx.oidc.params.grant_type === 'refresh_token' ? 600 : Number(ACCESS_TOKEN_SECONDS)),
    ClientCredentials: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Grant: 3600,
    RefreshToken: 3600, Session: 3600,
  },
});
provider.on('server_error', (_, error) => console.error('server_error', error));
provider.on('backchannel.success', (_, told, accountId, sid) => console.log('told', told.clientId, 'of', sid));
provider.on('backchannel.error', (_, error, told) => console.error('backchannel.error', told.clientId, error.message));
provider.on('grant.success', (ctx) => console.log('granted', ctx.oidc.params.grant_type));
provider.on('grant.error', (ctx) => console.log('rejected', ctx.oidc.params?.grant_type));
provider.on('grant.error', (_, error) => console.error('grant.error', error.message, error.error_detail));
provider.on('authorization.error', (_, error) => console.error('authorization.error', error.message, error.error_detail));

listen(provider.callback(), Number(PORT));
