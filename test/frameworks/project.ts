import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import sharp from 'sharp';
import { freePort } from '../support/free-port.js';
import type { Fixture } from './fixture.js';

/** Told with a framework's version, where it brings them along. */
const bundlers = ['vite', 'webpack'];

/** A fixture as a project of its own, outside of this one. */
export class Project {
  private readonly env: NodeJS.ProcessEnv;

  constructor(
    private readonly folder: string,
    readonly fixture: Fixture,
    /** Of the Node that runs it. */
    node: string,
  ) {
    this.env = {
      ...process.env,
      PATH: [join(folder, 'node_modules/.bin'), node, process.env.PATH].join(':'),
      ORT_DISABLE_TELEMETRY: '1',
      ASTRO_TELEMETRY_DISABLED: '1',
      NEXT_TELEMETRY_DISABLED: '1',
      NUXT_TELEMETRY_DISABLED: '1',
      STORYBOOK_DISABLE_TELEMETRY: '1',
      CI: '1',
    };
  }

  /** Puts the files there, and the picture. */
  async lay(from: string, picture: string): Promise<void> {
    cpSync(from, this.folder, { recursive: true });
    for (const [to, beside] of Object.entries(this.fixture.beside ?? {})) {
      cpSync(beside, join(this.folder, to), { recursive: true });
    }
    const manifest = { name: 'fixture', private: true, type: 'module' };
    const own = join(this.folder, 'package.json');
    if (!existsSync(own)) writeFileSync(own, JSON.stringify(manifest));
    await this.paint(picture, 120, 80);
  }

  /** Puts a picture of so many pixels where the fixture wants it. */
  async paint(picture: string, width: number, height: number): Promise<void> {
    for (const path of this.fixture.pictures) {
      const file = join(this.folder, path);
      mkdirSync(dirname(file), { recursive: true });
      // Browsers take a picture that they have already for a smaller one of a set, and bundlers make one file of equal ones.
      const isSet = basename(path).startsWith('set');
      await sharp(picture).resize(width, height, { fit: 'cover' }).flip(isSet).toFile(file);
    }
  }

  /** @throws with what npm said */
  async install(tarball: string): Promise<void> {
    const packages = [...this.fixture.packages, tarball].map((name) => `'${name}'`).join(' ');
    await this.run(`npm install --ignore-scripts --no-audit --no-fund ${packages}`);
  }

  build(): Promise<void> {
    return this.run(this.fixture.build);
  }

  /** Starts a server. @returns its address, and what ends it */
  async serve(command: string): Promise<Serving> {
    const port = await freePort();
    const child = this.spawn(command.replaceAll('{port}', String(port)), { PORT: String(port), HOST: '127.0.0.1' });
    const said = listen(child);
    return { url: `http://127.0.0.1:${port}`, said, isAlive: () => child.exitCode === null, stop: () => stop(child) };
  }

  /** As in `astro 7.3.5, vite 8.3.8`. */
  versions(): string {
    const framework = this.fixture.packages[0]!.replace(/(?<=.)@.*$/, '');
    return [...new Set([framework, ...bundlers])].flatMap((name) => this.versionOf(name) ?? []).join(', ');
  }

  file(path: string): string {
    return join(this.folder, path);
  }

  private versionOf(name: string): string | undefined {
    const file = join(this.folder, 'node_modules', name, 'package.json');
    if (!existsSync(file)) return undefined;
    return `${name} ${(JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version}`;
  }

  private async run(command: string): Promise<void> {
    const child = this.spawn(command, {});
    const said = listen(child);
    const code = await new Promise((resolve) => child.once('exit', resolve));
    if (code !== 0) throw new Error(`${command}: exit ${String(code)}\n${said().slice(-3000)}`);
  }

  /** A process group of its own, since frameworks start more of them. */
  private spawn(command: string, more: NodeJS.ProcessEnv): ChildProcess {
    const env = { ...this.env, ...more };
    return spawn('bash', ['-c', command], { cwd: this.folder, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  }
}

export interface Serving {
  readonly url: string;
  readonly said: () => string;
  readonly isAlive: () => boolean;
  readonly stop: () => Promise<void>;
}

function listen(child: ChildProcess): () => string {
  let all = '';
  const more = (chunk: Buffer): void => {
    all += chunk.toString();
  };
  child.stdout?.on('data', more);
  child.stderr?.on('data', more);
  return () => all;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  process.kill(-child.pid, 'SIGKILL');
  await gone;
}
