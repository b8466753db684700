// UpscalerJS's slim network by TensorFlow.js: `node peer-tensorflow.js FOLDER wasm|node`, FOLDER being where its packages are installed.
// Each message { from, to } names two folders; the answer is what enlarging every PNG of the first into the second cost.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

interface Tensor {
  readonly shape: readonly number[];
  data(): Promise<ArrayLike<number>>;
  dispose(): void;
}

/** What is used here of TensorFlow.js. */
interface TensorFlow {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tensor(values: Float32Array, shape: readonly number[]): Tensor;
  loadLayersModel(handler: unknown): Promise<{ predict(input: Tensor): Tensor }>;
  readonly io: { fromMemory(artifacts: unknown): unknown };
}

/** What UpscalerJS's packages of networks hold. */
interface Definition {
  readonly setup?: (tensorflow: TensorFlow) => void;
  /** What stands for black and white. */
  readonly inputRange: readonly [number, number];
  readonly outputRange: readonly [number, number];
}

interface Stored {
  readonly modelTopology: unknown;
  readonly weightsManifest: readonly { readonly paths: readonly string[]; readonly weights: readonly unknown[] }[];
}

const [folder, backend] = process.argv.slice(2) as [string, string];
const load = createRequire(join(folder, 'package.json'));
const packageFolder = join(folder, 'node_modules');

const tensorflow = load(backend === 'node' ? '@tensorflow/tfjs-node' : '@tensorflow/tfjs') as TensorFlow;
if (backend === 'wasm') {
  const wasm = load('@tensorflow/tfjs-backend-wasm') as { setWasmPaths(folder: string): void };
  wasm.setWasmPaths(`${dirname(load.resolve('@tensorflow/tfjs-backend-wasm'))}/`);
  if (!(await tensorflow.setBackend('wasm'))) throw new Error('TensorFlow.js has no backend of that name');
}
await tensorflow.ready();
const { setup, inputRange, outputRange } = load('@upscalerjs/esrgan-slim/2x') as Definition;
setup?.(tensorflow);
const stored = join(packageFolder, '@upscalerjs', 'esrgan-slim', 'models', 'x2');
const { modelTopology, weightsManifest } = JSON.parse(await readFile(join(stored, 'model.json'), 'utf8')) as Stored;
const [{ paths, weights }] = weightsManifest as [Stored['weightsManifest'][number]];
const bytes = await readFile(join(stored, paths[0]!));
const model = await tensorflow.loadLayersModel(
  tensorflow.io.fromMemory({
    modelTopology,
    weightSpecs: weights,
    weightData: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
  }),
);

async function enlarge(file: Uint8Array): Promise<Uint8Array> {
  const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const input = tensorflow.tensor(
    Float32Array.from(data, (value) => (value / 255) * inputRange[1]),
    [1, info.height, info.width, 3],
  );
  const output = model.predict(input);
  const values = await output.data();
  const [, height, width] = output.shape as [number, number, number];
  const pixels = Uint8Array.from(values, (value) => Math.round(Math.min(1, Math.max(0, value / outputRange[1])) * 255));
  input.dispose();
  output.dispose();
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

process.on('message', ({ from, to }: { from: string; to: string }) => {
  void (async () => {
    const cpu = process.cpuUsage();
    const start = performance.now();
    for (const file of await readdir(from))
      await writeFile(join(to, file), await enlarge(await readFile(join(from, file))));
    const { user, system } = process.cpuUsage(cpu);
    process.send!({ wallMs: performance.now() - start, cpuMs: (user + system) / 1000 });
  })();
});
process.send!('ready');
