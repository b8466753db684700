import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from '../../support/folders.js';

const repository = join(import.meta.dirname, '../../..');

/** What a command printed. */
export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command printed, and whether its exit code was another than 0. */
export interface Complaint extends Printed {
  readonly failed: boolean;
}

/** A project that uses the package, in a folder of its own. */
export class Project {
  readonly folder = temporaryFolder();

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
  }

  /** Copies one of `examples/images`. */
  copy(sample: string, name: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    copyFileSync(join(repository, 'examples/images', sample), this.path(name));
  }

  /**
   * Packs the package and installs it, with others in the versions that this repository has.
   * @param names of others
   */
  async install(names: readonly string[] = []): Promise<void> {
    const { stdout } = await run(repository, 'npm', ['pack', '--json', '--pack-destination', this.folder]);
    const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
    this.write('package.json', JSON.stringify({ name: 'scratch', private: true, type: 'module' }));
    // What the README tells people behind a proxy to do.
    this.write('.npmrc', 'onnxruntime-node-install=skip\n');
    const packages = [this.path(filename), ...names.map((name) => `${name}@${lockedVersion(name)}`)];
    await this.run('npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', ...packages);
  }

  /** Runs a command to its end; throws where it fails. */
  run(command: string, ...args: readonly string[]): Promise<Printed> {
    return run(this.folder, command, args, { XDG_CACHE_HOME: this.path('cache') });
  }

  /** Runs a command that has something to complain about, to its end. */
  async complain(command: string, ...args: readonly string[]): Promise<Complaint> {
    try {
      return { failed: false, ...(await this.run(command, ...args)) };
    } catch (error) {
      const { stdout, stderr } = error as Printed;
      return { failed: true, stdout, stderr };
    }
  }

  /** Runs a module, and reads what it printed as JSON. */
  async evaluate(file: string): Promise<unknown> {
    const { stdout } = await this.run(process.execPath, file);
    return JSON.parse(stdout) as unknown;
  }
}

const lock = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')) as {
  readonly packages: Readonly<Record<string, { readonly version: string } | undefined>>;
};

function lockedVersion(name: string): string {
  const found = lock.packages[`node_modules/${name}`];
  if (!found) throw new Error(`${name} is not among the packages of this repository`);
  return found.version;
}

function run(
  cwd: string,
  command: string,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<Printed> {
  // What the test runner sets would change what build tools do.
  const own = Object.entries(process.env).filter(([name]) => !/^(?:VITEST|NODE_ENV$|NODE_OPTIONS$|TEST$)/.test(name));
  const env = { ...Object.fromEntries(own), ...more };
  return promisify(execFile)(command, args, { cwd, env, encoding: 'utf8', maxBuffer: 2 ** 26 });
}
