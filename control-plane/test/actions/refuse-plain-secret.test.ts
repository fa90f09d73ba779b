import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusePlainSecret } from '../../src/actions/refuse-plain-secret.ts';

const long = 'Ab3dEf6hIj9lMn2pQr5tUv8xYz1Bc4De';

for (const content of [
  `DB_PASSWORD=hunter2hunter2\n`,
  `url: postgres://shop:${long}@db-1/shop\n`,
  `Authorization: Bearer ${long}\n`,
  `-----BEGIN PRIVATE KEY-----\n${long}${long}\n-----END PRIVATE KEY-----\n`,
  `{"note": "${long}+/"}`,
  `DB_PASSWORD={{secret:db_password}}\nAPI_TOKEN=${long}\n`,
  'AWS_SECRET_ACCESS_KEY=/bjEEiwuWq4s9xYt4GfDsYLeINYbY9iiehm43BK5\n',
  'AWS_SECRET_ACCESS_KEY=/bj/EiwuWq4s/xYt4GfDsYL/INYbY9iieh/43BK5\n',
  'DB_PASSWORD=/Kq7TzW3mPxv9aB\n',
])
  test(`T14: when a content holds a secret, it is refused: ${JSON.stringify(content).slice(0, 50)}`, () => {
    assert.throws(() => refusePlainSecret(content), { code: 'secret_parameter' });
  });

for (const content of [
  'server { listen 443 ssl; ssl_certificate_key /etc/ssl/site.key; client_max_body_size 32m; }\n',
  'DB_PASSWORD={{secret:db_password}}\nPORT=3000\n',
  'password: "{{secret:db_password}}"\n',
  'url: postgres://shop:{{secret:db_password}}@db-1/shop?sslmode=require\n',
  'Authorization: Bearer {{secret:api_token}}\n',
  '<password>{{secret:db_password}}</password>\n',
  'token_ttl = 300\nsecret_file: /run/secrets/db\nprivate_key=/etc/letsencrypt/live/shop.example.org-0001/privkey.pem\npassword_auth: off\n',
  `-----BEGIN CERTIFICATE-----\n${long}${long}\n${long}==\n-----END CERTIFICATE-----\n`,
  "add_header Content-Security-Policy \"script-src 'self' 'nonce-$request_id'\";\n",
  'sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n',
])
  test(`when a content holds no secret but by reference, it may be written: ${JSON.stringify(content).slice(0, 50)}`, () => {
    assert.doesNotThrow(() => refusePlainSecret(content));
  });
