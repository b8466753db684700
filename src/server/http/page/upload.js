/** What the server answers when it will not do what was asked: RFC 9457. */
export class Problem extends Error {
  name = 'Problem';

  constructor({ status = 0, title = 'That did not work', detail = '', code = '' }) {
    super(title);
    Object.assign(this, { status, detail, code });
  }
}

/**
 * Sends a picture and waits for the larger one.
 *
 * `fetch` does not tell how much was sent, so this is an XMLHttpRequest.
 * @param {Blob} picture
 * @param {{ query: URLSearchParams, token: string, signal: AbortSignal, onPhase: (phase: Phase) => void }} options
 * @typedef {{ name: 'sending' | 'computing' | 'receiving', share?: number }} Phase
 * @returns {Promise<{ blob: Blob, header: (name: string) => string }>}
 * @throws {Problem}
 */
export function upload(picture, { query, token, signal, onPhase }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const share = ({ lengthComputable, loaded, total }) => (lengthComputable ? loaded / total : undefined);
    request.upload.onprogress = (event) => onPhase({ name: 'sending', share: share(event) });
    request.upload.onload = () => onPhase({ name: 'computing' });
    request.onprogress = (event) => onPhase({ name: 'receiving', share: share(event) });
    request.onerror = () => reject(new Problem({ title: 'The server can’t be reached' }));
    request.onabort = () => reject(new DOMException('cancelled', 'AbortError'));
    request.onload = async () => {
      if (request.status === 200) {
        resolve({ blob: request.response, header: (name) => request.getResponseHeader(name) ?? '' });
      } else {
        reject(await problemOf(request.status, request.getResponseHeader('Retry-After'), request.response));
      }
    };
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.open('POST', `v1/upscale?${query}`);
    request.responseType = 'blob';
    // What it is, its bytes tell better than its name.
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    if (token) request.setRequestHeader('Authorization', `Bearer ${token}`);
    onPhase({ name: 'sending', share: 0 });
    request.send(picture);
  });
}

/**
 * The networks that the server offers.
 * @returns {Promise<{ default: string, models: { label: string, kind: string, display: string, for?: string }[] }>}
 * @throws {Problem}
 */
export async function fetchModels(token) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const response = await fetch('v1/models', { headers }).catch(() => {
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
