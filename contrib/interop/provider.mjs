// Runs npm's oidc-provider on a free port of this machine: node provider.mjs SETTINGS.
// It prints its issuer. The line "rotate" on stdin gives it new keys, and it prints a line when it has
// them. It exits when stdin is closed.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';

// The library's own messages are not part of the test.
console.info = console.warn = console.error;

const settings = JSON.parse(process.argv[2] ?? '{}');

// This storage survives a restart of the provider, as a database would.
const kept = new Map();
class Adapter {
  constructor(kind) { this.kind = kind; }
  key(id) { return `${this.kind}:${id}`; }
  async upsert(id, payload) { kept.set(this.key(id), payload); }
  async find(id) { return kept.get(this.key(id)); }
  async destroy(id) { kept.delete(this.key(id)); }
  async consume(id) { kept.get(this.key(id)).consumed = Math.floor(Date.now() / 1000); }
  async findBy(name, value) {
    for (const [key, payload] of kept) if (key.startsWith(`${this.kind}:`) && payload[name] === value) return payload;
  }
  async findByUid(uid) { return this.findBy('uid', uid); }
  async findByUserCode(code) { return this.findBy('userCode', code); }
  async revokeByGrantId(grant) {
    for (const [key, payload] of kept) if (payload.grantId === grant) kept.delete(key);
  }
}

function keys() {
  const made = String(Date.now());
  const one = (type, options, alg) => ({ ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: `${alg}-${made}` });
  return { keys: [one('ec', { namedCurve: 'P-256' }, 'ES256'), one('rsa', { modulusLength: 2048 }, 'RS256')] };
}

function provider(issuer) {
  const p = new Provider(issuer, {
    adapter: Adapter,
    jwks: keys(),
    clients: [{
      client_id: 'aws-vault', application_type: 'native', response_types: ['code'],
      token_endpoint_auth_method: settings.secret ? 'client_secret_basic' : 'none', client_secret: settings.secret,
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
      redirect_uris: ['http://127.0.0.1/oauth/callback'], id_token_signed_response_alg: settings.algorithm ?? 'ES256',
    }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    cookies: { keys: ['example'] },
    enabledJWA: { idTokenSigningAlgValues: ['ES256', 'RS256'] },
    features: { deviceFlow: { enabled: true }, revocation: { enabled: true } },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true }) }),
    issueRefreshToken: () => true,
    ttl: { IdToken: settings.lasts ?? 3600 },
  });
  return p.callback();
}

let answer;
const server = createServer((request, response) => answer(request, response));
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  answer = provider(issuer);
  console.log(issuer);
  const lines = createInterface({ input: process.stdin });
  lines.on('line', () => { answer = provider(issuer); console.log('rotated'); });
  lines.on('close', () => process.exit(0));
});
