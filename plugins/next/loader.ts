import { request } from 'node:http';
import type { Answer, LoaderOptions, Question } from './protocol.js';
import { addressVariable, inputsHeader } from './service.js';

/** Images are bytes. */
export const raw = true;

/** What Turbopack gives a loader. It has no compiler, and runs in processes of Turbopack's own. */
interface TurbopackLoader {
  readonly resourcePath: string;
  readonly resourceQuery: string;
  async(): (error: Error | null, result?: Buffer | string) => void;
  getOptions(): LoaderOptions;
  addDependency(file: string): void;
}

/** Makes of an image and the directives in its query the bytes of one file, or a module that imports several. */
export default function upresNextLoader(this: TurbopackLoader): void {
  const callback = this.async();
  load(this).then(
    (result) => {
      callback(null, result);
    },
    (error: unknown) => {
      callback(error instanceof Error ? error : new Error(String(error)));
    },
  );
}

async function load(context: TurbopackLoader): Promise<Buffer> {
  const { options, root } = context.getOptions();
  const question: Question = { options, root, file: context.resourcePath, query: context.resourceQuery };
  const { inputs, body, failed } = (await ask(question)) ?? (await answerHere(question));
  // Also of what failed: it is looked at again when it is mended.
  for (const input of inputs) context.addDependency(input);
  if (failed) throw Object.assign(new Error(body.toString()), { name: 'UpresError', stack: '' });
  return body;
}

/** @returns undefined where no one is there who could answer */
function ask(question: Question): Promise<Answer | undefined> {
  const socketPath = process.env[addressVariable];
  if (socketPath === undefined) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, method: 'POST', path: '/', agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const inputs = JSON.parse(decodeURIComponent(String(response.headers[inputsHeader]))) as string[];
        resolve({ inputs, body: Buffer.concat(chunks), failed: response.statusCode !== 200 });
      });
    });
    call.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(undefined);
      else reject(error);
    });
    call.end(JSON.stringify(question));
  });
}

async function answerHere(question: Question): Promise<Answer> {
  const { answer } = await import('./answer.js');
  return answer(question);
}
