/** Node's codes of certificates that are not accepted, as OpenSSL names them, and what to do about each. */
const hints: readonly (readonly [RegExp, string])[] = [
  [
    /SELF_SIGNED|UNABLE_TO_(?:GET_ISSUER|VERIFY_LEAF)|CERT_UNTRUSTED/,
    'NODE_EXTRA_CA_CERTS names the certificates of an authority of one’s own',
  ],
  [/CERT_HAS_EXPIRED/, 'its certificate has expired, or the clock of this machine is wrong'],
  [/CERT_NOT_YET_VALID/, 'its certificate is not valid yet, or the clock of this machine is wrong'],
  [/CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH/, 'its certificate is for another name'],
];

/**
 * What to do about a certificate that is not accepted.
 * @param text with the code of an error in it
 * @returns undefined for what is no matter of certificates
 */
export function certificateHint(text: string): string | undefined {
  return hints.find(([pattern]) => pattern.test(text))?.[1];
}
