import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** What the system tells of a graphics processor; what it doesn't tell is left out. */
export interface Adapter {
  readonly name?: string;
  readonly memoryBytes?: number;
  /** A driver that computes on the CPU. */
  readonly software: boolean;
}

/** Drivers by the library that they are loaded from, and PCI numbers of those who make them. */
const drivers: readonly {
  readonly library: RegExp;
  readonly vendor?: 'nvidia' | '0x1002' | '0x8086';
  readonly software?: string;
}[] = [
  { library: /libvk_swiftshader/, software: 'SwiftShader (software)' },
  { library: /libvulkan_lvp/, software: 'llvmpipe (software)' },
  { library: /libnvidia-glcore|libGLX_nvidia|libcuda\.so/, vendor: 'nvidia' },
  { library: /libvulkan_radeon|libamdvlk|amdvlk64/, vendor: '0x1002' },
  { library: /libvulkan_intel/, vendor: '0x8086' },
];

/**
 * Finds out what this process computes on, from the drivers that it has loaded: the runtime itself does not tell. Only Linux
 * shows them; elsewhere nothing is known.
 */
export async function describeAdapter(): Promise<Adapter> {
  const maps = await readFile('/proc/self/maps', 'utf8').catch(() => '');
  const loaded = drivers.filter(({ library }) => library.test(maps));
  const [driver] = loaded;
  // A loader that tries all drivers may have left several loaded: then it is not known which of them it chose.
  if (!driver || loaded.length > 1) return { software: false };
  if (driver.software !== undefined) return { name: driver.software, software: true };
  const found = driver.vendor === 'nvidia' ? await nvidia() : await fromSysfs(driver.vendor!);
  return { ...found, software: false };
}

type Found = Omit<Adapter, 'software'>;

async function nvidia(): Promise<Found> {
  try {
    const query = ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits'];
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: 10_000 });
    const gpus = stdout.trim().split('\n');
    const [name, mebibytes] = gpus[0]!.split(',').map((field) => field.trim());
    return gpus.length === 1 ? describe(name, Number(mebibytes) * 2 ** 20) : {};
  } catch {
    const root = '/proc/driver/nvidia/gpus';
    const gpus = await readdir(root).catch(() => []);
    if (gpus.length !== 1) return {};
    const information = await readFile(join(root, gpus[0]!, 'information'), 'utf8').catch(() => '');
    return describe(/^Model:\s*(.+)$/m.exec(information)?.[1], undefined);
  }
}

async function fromSysfs(vendor: string): Promise<Found> {
  const root = '/sys/class/drm';
  const read = (card: string, file: string): Promise<string | undefined> =>
    readFile(join(root, card, 'device', file), 'utf8').then(
      (text) => text.trim(),
      () => undefined,
    );
  const found: Found[] = [];
  for (const card of await readdir(root).catch(() => [])) {
    if (!/^card\d+$/.test(card) || (await read(card, 'vendor')) !== vendor) continue;
    const maker = vendor === '0x1002' ? 'AMD' : 'Intel';
    const name = (await read(card, 'product_name')) ?? `${maker} ${(await read(card, 'device')) ?? ''}`.trim();
    const memory = await read(card, 'mem_info_vram_total');
    found.push(describe(name, memory === undefined ? undefined : Number(memory)));
  }
  return found.length === 1 ? found[0]! : {};
}

function describe(name: string | undefined, memoryBytes: number | undefined): Found {
  return {
    ...(name !== undefined && name !== '' && { name }),
    ...(memoryBytes !== undefined && memoryBytes > 0 && { memoryBytes }),
  };
}
