// SPDX-License-Identifier: GPL-3.0-or-later
//
// The provider that the sign-in tests sign in through: oidc-provider, certified
// by the OpenID Foundation, in one process on loopback.  It insists on PKCE and
// on the client's secret, and signs with a new key at every start.
//
// From the environment: ISSUER, its own address; CLIENT, the address of the web
// side; ACCOUNTS, a file {"subject": {claims}} that is read at every request.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Provider from 'oidc-provider';

const { ISSUER, CLIENT, ACCOUNTS } = process.env;

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = {
  ...privateKey.export({ format: 'jwk' }),
  kid: randomBytes(8).toString('hex'),
  use: 'sig',
  alg: 'RS256',
};

const provider = new Provider(ISSUER, {
  clients: [{
    client_id: 'mailer',
    client_secret: 'a secret for tests: %/+ and spaces',
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: [`${CLIENT}/accounts/oidc/harp/login/callback/`],
    post_logout_redirect_uris: [`${CLIENT}/`],
    backchannel_logout_uri: `${CLIENT}/harp/backchannel-logout/`,
    backchannel_logout_session_required: true,
    token_endpoint_auth_method: 'client_secret_basic',
  }],
  jwks: { keys: [key] },
  cookies: { keys: ['only for tests'] },
  scopes: ['openid', 'offline_access', 'profile', 'email', 'harp'],
  claims: {
    openid: ['sub'],
    email: ['email', 'email_verified'],
    profile: ['name'],
    harp: ['roles', 'harp_id'],
  },
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: true },
    revocation: { enabled: true },
    introspection: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    backchannelLogout: { enabled: true },
  },
  ttl: { AccessToken: 300, IdToken: 300, Session: 3600, Grant: 3600, Interaction: 600 },
  // Its own fetch refuses addresses on loopback, where the web side is.
  fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
  async findAccount(context, subject) {
    const claims = JSON.parse(readFileSync(ACCOUNTS))[subject];
    if (claims === undefined) return undefined;
    return { accountId: subject, claims: async () => ({ sub: subject, ...claims }) };
  },
});
provider.on('server_error', (context, error) => console.error('server_error', error));
provider.on('backchannel.error', (context, error) => console.error('backchannel.error', error.message));
provider.on('backchannel.success', () => console.error('backchannel.success'));
provider.on('grant.error', (context, error) => console.error('grant.error', error.message, error.error_detail));

const { hostname, port } = new URL(ISSUER);
provider.listen(Number(port), hostname, () => console.log('ready'));
