import { Type, type Static } from 'typebox';
import { failureOf, UpresError, type UpresErrorCode } from '../../errors.js';

/** Ways to fail that only a server has. As with the other codes, the words may change and a code keeps its meaning. */
export const serverCodes = [
  'BAD_REQUEST', // not HTTP, or not a body that can be read
  'BODY_TOO_LARGE',
  'BUSY', // this client, or the server, has enough to do: later
  'CONFLICT', // not in this state
  'DRAINING', // the server is about to end
  'FORBIDDEN_HOST', // a Host that the server does not answer to
  'FORBIDDEN_ORIGIN', // a page of another site asks
  'GONE',
  'IDEMPOTENCY_KEY_REUSED', // the same key with another request
  'INTERNAL', // a fault of the server's own
  'METHOD_NOT_ALLOWED',
  'NOT_ACCEPTABLE', // no format that the client accepts
  'NOT_FOUND',
  'NOT_MODIFIED', // the client has the result already
  'RANGE_NOT_SATISFIABLE', // bytes behind the end of a result
  'TIMED_OUT',
  'UNAUTHORIZED', // no token, or not one that is known
  'UNSUPPORTED_MEDIA_TYPE', // a Content-Type that is not read
] as const;
export type ServerCode = (typeof serverCodes)[number];
export type ProblemCode = UpresErrorCode | ServerCode;

/** What an error looks like over HTTP: RFC 9457, `application/problem+json`. */
export const ProblemBody = Type.Object(
  {
    type: Type.Literal('about:blank'),
    title: Type.String({ description: 'What the status means.' }),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String({ description: 'What is wrong, and what to do about it.' }),
    code: Type.String({ description: 'One code for each way to fail, for programs.', pattern: '^[A-Z_]+$' }),
  },
  { $id: 'Problem', additionalProperties: false, description: 'An error (RFC 9457).' },
);
export type ProblemBody = Static<typeof ProblemBody>;

/** The media type of every error. */
export const problemType = 'application/problem+json';

const titles = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  411: 'Length Required',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Range Not Satisfiable',
  417: 'Expectation Failed',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
} as const;
export type ProblemStatus = keyof typeof titles;

/** All statuses of errors. */
export const problemStatuses = Object.keys(titles).map(Number) as ProblemStatus[];

export interface ProblemOptions extends ErrorOptions {
  /** Seconds after which it is worth trying again. */
  readonly retryAfter?: number;
  /** More headers of the response. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error as a client sees it. Its message is public: no paths, no inner doings. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    readonly status: ProblemStatus,
    readonly code: ProblemCode,
    detail: string,
    options: ProblemOptions = {},
  ) {
    super(detail, options);
    const { retryAfter, headers } = options;
    this.headers = { ...headers, ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }) };
  }

  get body(): ProblemBody {
    const { status, message, code } = this;
    return { type: 'about:blank', title: titles[status], status, detail: message, code };
  }
}

/** Seconds until a client that was sent away may try again. */
export const retrySeconds = 2;

/**
 * Any error as a problem: ours by their codes, the framework's by their statuses, and all others as a fault of the server's own
 * (INTERNAL), whose details stay here.
 */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof UpresError) {
    const { status, toClients = error.message } = failureOf(error.code);
    if (status === 500) return internal(error);
    const waits = status === 503 || status === 429;
    return new Problem(status, error.code, toClients, { cause: error, ...(waits && { retryAfter: retrySeconds }) });
  }
  return fromFramework(error) ?? internal(error);
}

function internal(cause: unknown): Problem {
  return new Problem(500, 'INTERNAL', 'the server failed; its log says why', { cause });
}

/** What the framework's statuses are called here; all others that blame the client are BAD_REQUEST. */
const frameworkCodes: Partial<Record<ProblemStatus, ServerCode>> = {
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  408: 'TIMED_OUT',
  413: 'BODY_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
};

/** A body of a type that is not read. */
export function unreadable(): Problem {
  return new Problem(
    415,
    'UNSUPPORTED_MEDIA_TYPE',
    'send the image’s bytes with a Content-Type of image/… or application/octet-stream, or a form (multipart/form-data)',
  );
}

/** Fastify and its plugins give their errors a status; only those are trusted that blame the client. */
function fromFramework(error: unknown): Problem | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('validation' in error) return new Problem(422, 'BAD_ARGUMENT', error.message, { cause: error });
  if (!('statusCode' in error) || typeof error.statusCode !== 'number') return undefined;
  const { statusCode } = error;
  if (statusCode < 400 || statusCode >= 500) return undefined;
  // A multipart body that is none: an unacceptable body, which has nothing to do with what the client accepts.
  const status = problemStatuses.find((known) => known === statusCode && known !== 406) ?? 400;
  if (status === 415) return unreadable();
  return new Problem(status, frameworkCodes[status] ?? 'BAD_REQUEST', error.message, { cause: error });
}
