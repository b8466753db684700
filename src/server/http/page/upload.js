/** What the server answers when it will not do what was asked: RFC 9457. */
export class Problem extends Error {
  name = 'Problem';

  constructor({ status = 0, title = 'That did not work', detail = '', code = '' }) {
    super(title);
    Object.assign(this, { status, detail, code });
  }
}

/** Milliseconds between two looks at a job. */
const interval = 500;
/** The number of polls in a row that may fail, as while a server restarts: the job goes on. */
const mostFailures = 60;

/**
 * Sends a picture and waits for the larger one, within the time that the server gives a request.
 * @param {Blob} picture
 * @param {{ query: URLSearchParams, token: string, signal: AbortSignal, onPhase: (phase: Phase) => void }} options
 * @typedef {{ name: 'sending' | 'computing' | 'receiving', share?: number, secondsLeft?: number }} Phase
 * @returns {Promise<{ blob: Blob, model: string }>}
 * @throws {Problem}
 */
export async function upload(picture, options) {
  const { blob, header } = await send('POST', `v1/upscale?${options.query}`, options, picture);
  return { blob, model: decodeURIComponent(header('Upres-Model')) };
}

/** The same as a job, which may take as long as it takes. */
export async function uploadAsJob(picture, options) {
  const { header } = await send('POST', `v1/jobs?${options.query}`, options, picture);
  const job = header('Location').slice(1);
  try {
    const [image] = (await endOf(job, options)).images;
    if (!image.result) throw new Problem(image.problem ?? { detail: 'The job was cancelled' });
    const { blob } = await send('GET', image.result.url.slice(1), options);
    return { blob, model: image.result.model };
  } finally {
    // Cancelled, or fetched: no one else knows of it.
    void fetch(job, { method: 'DELETE', headers: authorization(options.token), keepalive: true }).catch(
      () => undefined,
    );
  }
}

/** Looks at a job until it has ended. */
async function endOf(url, { token, signal, onPhase }) {
  for (let failures = 0; ;) {
    try {
      const { blob } = await send('GET', url, { token, signal, onPhase: () => undefined });
      const job = JSON.parse(await blob.text());
      if (job.ended) return job;
      const { donePixels, totalPixels, secondsLeft } = job.progress;
      onPhase({ name: 'computing', secondsLeft, share: donePixels ? donePixels / totalPixels : undefined });
      failures = 0;
    } catch (error) {
      const passes = error instanceof Problem && (error.status === 0 || error.status >= 500);
      if (!passes || ++failures > mostFailures) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, interval));
    signal.throwIfAborted();
  }
}

/**
 * `fetch` does not tell how much was sent, so this is an XMLHttpRequest.
 * @returns {Promise<{ blob: Blob, header: (name: string) => string }>}
 * @throws {Problem}
 */
function send(method, url, { token, signal, onPhase }, body) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const share = ({ lengthComputable, loaded, total }) => (lengthComputable ? loaded / total : undefined);
    if (body) {
      request.upload.onprogress = (event) => onPhase({ name: 'sending', share: share(event) });
      request.upload.onload = () => onPhase({ name: 'computing' });
    }
    request.onprogress = (event) => onPhase({ name: 'receiving', share: share(event) });
    request.onerror = () => reject(new Problem({ title: 'The server can’t be reached' }));
    request.onabort = () => reject(new DOMException('cancelled', 'AbortError'));
    request.onload = async () => {
      if (request.status >= 200 && request.status < 300) {
        resolve({ blob: request.response, header: (name) => request.getResponseHeader(name) ?? '' });
      } else {
        reject(await problemOf(request.status, request.getResponseHeader('Retry-After'), request.response));
      }
    };
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.open(method, url);
    request.responseType = 'blob';
    // What it is, its bytes tell better than its name.
    if (body) request.setRequestHeader('Content-Type', 'application/octet-stream');
    for (const [name, value] of Object.entries(authorization(token))) request.setRequestHeader(name, value);
    if (body) onPhase({ name: 'sending', share: 0 });
    request.send(body);
  });
}

const authorization = (token) => (token ? { Authorization: `Bearer ${token}` } : {});

/**
 * The networks that the server offers.
 * @returns {Promise<{ default: string, models: { label: string, kind: string, display: string, for?: string }[] }>}
 * @throws {Problem}
 */
export async function fetchModels(token) {
  const response = await fetch('v1/models', { headers: authorization(token) }).catch(() => {
    throw new Problem({ title: 'The server can’t be reached' });
  });
  if (!response.ok) throw await problemOf(response.status, response.headers.get('Retry-After'), await response.blob());
  return response.json();
}

async function problemOf(status, retryAfter, body) {
  let told = {};
  try {
    told = JSON.parse(await body.text());
  } catch {
    // Something between us and the server answered.
  }
  const { title = `The server answers ${status}`, detail = '', code } = told;
  const wait = retryAfter ? ` Try again in ${retryAfter} s.` : '';
  return new Problem({ status, title, detail: detail + wait, code });
}
