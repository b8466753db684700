import { createHash, randomUUID } from 'node:crypto';
import { lstat, mkdir, open, readFile, readdir, rename, rm } from 'node:fs/promises';
import { arch, cpus, platform } from 'node:os';
import { join } from 'node:path';
import type { ProcessorDevice } from '../device.js';
import { runtimeVersion } from '../pool/runtime.js';
import { defaultCacheFolder } from './cache-folder.js';
import { manifestName, readManifest, type WeightsManifest } from './weights-manifest.js';

/** Counts up when prepared files change their form. */
const storeVersion = 6;

/** A folder left behind by a process that was killed while preparing is removed after so long. */
const abandonedAfter = 60 * 60 * 1000;

/**
 * Prepared weights on disk: one folder for each network and kind of processor, written whole under another name and renamed,
 * never changed afterwards, because a mapped file that is cut short kills the processes that map it.
 */
export class WeightsStore {
  private readonly root: string;

  /** @param device for which weights are prepared */
  constructor(
    cacheFolder: string = defaultCacheFolder(),
    private readonly device: ProcessorDevice = 'cpu',
  ) {
    this.root = join(cacheFolder, 'weights');
  }

  /**
   * Finds prepared weights and checks every byte of them.
   * @returns undefined where there are none; damaged ones are removed
   */
  async find(key: string): Promise<{ folder: string; manifest: WeightsManifest } | undefined> {
    const folder = await this.folderFor(key);
    try {
      await refuseForeign(this.root);
      await refuseForeign(folder);
    } catch {
      return undefined;
    }
    try {
      const manifest = readManifest(await readFile(join(folder, manifestName), 'utf8'));
      for (const [name, hash] of Object.entries(manifest.files)) {
        if ((await hashFile(join(folder, name))) !== hash) throw new Error(`${name} is damaged`);
      }
      return { folder, manifest };
    } catch {
      await rm(folder, { recursive: true, force: true }).catch(() => undefined);
      return undefined;
    }
  }

  /**
   * Makes a folder to prepare weights in.
   * @throws the file system's error where the folder of the user's own can't be written, or is not the user's own
   */
  async createDraft(): Promise<string> {
    await mkdir(this.root, { recursive: true, mode: 0o700 });
    await refuseForeign(this.root);
    await this.removeAbandoned();
    const draft = join(this.root, `draft-${randomUUID()}`);
    await mkdir(draft, { mode: 0o700 });
    return draft;
  }

  /** Gives a finished draft its name. Where another process was faster, its folder stays and the draft goes. */
  async publish(draft: string, key: string): Promise<void> {
    const folder = await this.folderFor(key);
    try {
      await rename(draft, folder);
    } catch (error) {
      await this.discard(draft);
      if ((await this.find(key)) === undefined) throw error;
    }
  }

  async discard(draft: string): Promise<void> {
    await rm(draft, { recursive: true, force: true });
  }

  private async folderFor(key: string): Promise<string> {
    return join(this.root, `${key.slice(0, 32)}-${await this.fingerprint()}`);
  }

  /** What prepared weights depend on besides the network: the runtime's version and the processor's features. */
  private async fingerprint(): Promise<string> {
    features ??= processorFeatures();
    const runtime = this.device === 'cpu' ? runtimeVersion : `${runtimeVersion} ${this.device}`;
    return createHash('sha256')
      .update([storeVersion, runtime, platform(), arch(), await features].join('\n'))
      .digest('hex')
      .slice(0, 16);
  }

  private async removeAbandoned(): Promise<void> {
    for (const name of await readdir(this.root)) {
      if (!name.startsWith('draft-')) continue;
      const path = join(this.root, name);
      const age = await lstat(path).then(
        ({ mtimeMs }) => Date.now() - mtimeMs,
        () => 0,
      );
      if (age > abandonedAfter) await rm(path, { recursive: true, force: true }).catch(() => undefined);
    }
  }
}

/** Weights are code, in effect: they are taken only from a real folder that no one else may write to. */
async function refuseForeign(folder: string): Promise<void> {
  const status = await lstat(folder);
  if (!status.isDirectory()) throw new Error(`${folder} is not a folder`);
  if (process.getuid && status.uid !== process.getuid()) throw new Error(`${folder} belongs to another user`);
  if (process.getuid && (status.mode & 0o022) !== 0) throw new Error(`${folder} can be written by other users`);
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  // One buffer for all of it: a stream would leave the whole file behind as garbage.
  const buffer = new Uint8Array(1 << 20);
  const file = await open(path);
  try {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

let features: Promise<string> | undefined;

/** The instruction sets as Linux lists them; elsewhere the processor's name, which implies them. */
async function processorFeatures(): Promise<string> {
  const name = cpus()[0]?.model ?? 'unknown';
  if (platform() !== 'linux') return name;
  const info = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  return `${name}\n${/^(?:flags|Features)\s*:.*$/m.exec(info)?.[0] ?? ''}`;
}
