import { spawn } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Packages of npm that only this bench needs, in the versions that its figures were made with. None of the drawings was used
 * to train a network or to tune what chooses one.
 */
export const drawnPackages = {
  iconoir: '7.12.1',
  '@ant-design/icons-svg': '4.6.0',
  '@iconify-json/eva': '1.2.3',
  'simple-icons': '16.37.0',
  'country-flag-icons': '1.6.20',
  '@iconify-json/emojione': '1.2.3',
} as const;

export const codePackages = { jsqr: '1.4.0', qrcode: '1.5.4' } as const;

/** The weights alone are used: see `esrganSlim`. */
export const peerPackages = { '@upscalerjs/esrgan-slim': '1.0.0' } as const;

/**
 * Installs packages into a folder by npm, without their scripts and their peers, where they aren't there in that version yet.
 * @returns where a package's files are
 * @throws Error when npm fails
 */
export async function installPackages(
  folder: string,
  packages: Readonly<Record<string, string>>,
): Promise<(name: string) => string> {
  const place = (name: string): string => join(folder, 'node_modules', name);
  const present = await Promise.all(
    Object.entries(packages).map(async ([name, version]) => (await installedVersion(place(name))) === version),
  );
  if (!present.every(Boolean)) {
    await mkdir(folder, { recursive: true });
    await npm(
      folder,
      Object.entries(packages).map(([name, version]) => `${name}@${version}`),
    );
  }
  return place;
}

async function installedVersion(folder: string): Promise<string | undefined> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as { version: string }).version;
}

async function npm(folder: string, names: readonly string[]): Promise<void> {
  const args = [
    'install',
    '--prefix',
    folder,
    '--ignore-scripts',
    '--legacy-peer-deps',
    '--no-audit',
    '--no-fund',
    ...names,
  ];
  // What npm says goes to stderr: the table is alone on stdout.
  const child = spawn('npm', args, { stdio: ['ignore', 2, 2], cwd: folder, shell: process.platform === 'win32' });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', resolve);
  });
  if (code !== 0) throw new Error(`npm could not install ${names.join(', ')}`);
}
