import { certificateHint } from '../certificate-hint.js';
import { messageOf, UpresError } from '../errors.js';

/** Characters of what a server says of itself. */
const mostWords = 200;

/** What to do about answers that have a name, as Amazon gives them and all others copy them. */
const advice: Readonly<Record<string, string>> = {
  AccessDenied: 'who asks must be allowed to get, put, delete and list objects below the prefix',
  AllAccessDisabled: 'the bucket is closed',
  ExpiredToken: 'AWS_SESSION_TOKEN and its keys are no longer valid',
  InvalidAccessKeyId: 'it does not know this AWS_ACCESS_KEY_ID',
  InvalidToken: 'AWS_SESSION_TOKEN does not belong to the keys',
  NoSuchBucket: 'there is no such bucket',
  NotImplemented: 'it does not know a request that is needed',
  RequestTimeTooSkewed: 'the clocks of this machine and of the storage differ',
  SecondLevelDomainForbidden: 'the bucket has to stand in the name of its host: &addressing=virtual',
  SignatureDoesNotMatch:
    'AWS_SECRET_ACCESS_KEY is another than the one of this AWS_ACCESS_KEY_ID, or a proxy changes what is asked',
  SlowDown: 'it has too much to do',
};

/** Answers of a server that does not have the bucket, though another has it. */
const elsewhere: ReadonlySet<string> = new Set([
  ...['AuthorizationHeaderMalformed', 'IllegalLocationConstraintException', 'PermanentRedirect', 'TemporaryRedirect'],
]);

/** What to do about what hinders a request from being answered at all: the code or name of an error, or what is in its words. */
const hindrances: readonly (readonly [RegExp, string | ((secure: boolean | undefined) => string | undefined)])[] = [
  [
    /CredentialsProviderError/,
    'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role of this machine say who asks',
  ],
  [/Region is missing/, 'AWS_REGION, a profile, or &region=… says where the bucket is'],
  [/EPROTO/, 'without TLS the endpoint is http://, not https://'],
  [
    /ECONNRESET|EPIPE|HPE_/,
    (secure) => (secure === false ? 'with TLS the endpoint is https://, not http://' : undefined),
  ],
];

/**
 * What a bucket did not do, in the words of upres.
 * @param name of the storage
 * @param endpoint where one was named
 * @param cause what the SDK throws, or a stream of its
 */
export function s3Failure(name: string, endpoint: string | undefined, cause: unknown): UpresError {
  // The SDK's errors hold the whole connection, which would fill a log.
  return new UpresError('STORAGE_UNAVAILABLE', `${name} can’t be used: ${wordsOf(cause, endpoint)}`);
}

function wordsOf(cause: unknown, endpoint: string | undefined): string {
  const status = statusOf(cause);
  if (status === undefined) {
    const { code = '' } = (cause ?? {}) as { readonly code?: string };
    const said = messageOf(cause).replace(/^write EPROTO .*/s, 'EPROTO');
    const text = `${code} ${nameOf(cause)} ${said}`;
    const hint = certificateHint(text) ?? hindrances.find(([pattern]) => pattern.test(text))?.[1];
    const secure = endpoint === undefined ? undefined : /^https:/i.test(endpoint);
    return withHint(said, typeof hint === 'function' ? hint(secure) : hint);
  }
  const kind = nameOf(cause);
  // Neither a list nor an error: a page that asks to sign in, or a web server.
  if (status < 300 || /SyntaxError|^Error$/.test(kind)) return `it answers ${status}, and not as a storage does`;
  const named = kind !== '' && !/^(?:Unknown|\d+)/.test(kind);
  const region = regionIn(cause);
  if (region !== undefined || elsewhere.has(kind)) {
    return withHint(`it answers ${status} ${kind}`, `the bucket is in another region: &region=${region ?? '…'}`);
  }
  if (!named) return `it answers ${status}`;
  return withHint(`it answers ${status} ${kind}`, advice[kind] ?? oneLine(messageOf(cause)));
}

const withHint = (what: string, hint: string | undefined): string => (hint ? `${what} (${hint})` : what);

const oneLine = (text: string): string =>
  text
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, mostWords);

export const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');

/** The status of an answer that the SDK throws; undefined where there was none. */
export function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { $metadata, $response } = error as {
    readonly $metadata?: { readonly httpStatusCode?: number };
    readonly $response?: { readonly statusCode?: number };
  };
  return $metadata?.httpStatusCode ?? $response?.statusCode;
}

/** The region of the bucket, where an answer that refuses names it. */
function regionIn(error: unknown): string | undefined {
  const { $response, Region } = error as {
    readonly $response?: { readonly headers?: Readonly<Record<string, string>>; readonly statusCode?: number };
    readonly Region?: string;
  };
  const status = $response?.statusCode ?? statusOf(error);
  if (status !== 301 && status !== 307 && status !== 400) return undefined;
  return $response?.headers?.['x-amz-bucket-region'] ?? Region;
}
