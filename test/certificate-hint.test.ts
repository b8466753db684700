import { expect, it } from 'vitest';
import { certificateHint } from '#src/certificate-hint.js';

it.each([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', /NODE_EXTRA_CA_CERTS/],
  ['SELF_SIGNED_CERT_IN_CHAIN', /NODE_EXTRA_CA_CERTS/],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', /NODE_EXTRA_CA_CERTS/],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /NODE_EXTRA_CA_CERTS/],
  ['CERT_HAS_EXPIRED', /has expired/],
  ['CERT_NOT_YET_VALID', /not valid yet/],
  ['ERR_TLS_CERT_ALTNAME_INVALID', /another name/],
])('%s: says what to do', (code, hint) => {
  expect(certificateHint(`Error: ${code}`)).toMatch(hint);
});

it.each(['ECONNREFUSED', 'ERR_SSL_WRONG_VERSION_NUMBER', 'EPROTO', ''])('%s is no matter of certificates', (code) => {
  expect(certificateHint(code)).toBeUndefined();
});
