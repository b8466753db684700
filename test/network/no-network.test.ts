import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runChild, type ChildResult } from '../support/child.js';
import { onWasm } from '../support/device.js';
import { temporaryFolder } from '../support/folders.js';

function fixture(name: string): string {
  return fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
}

interface Opened {
  readonly filename: string;
  readonly telemetry: string;
}

interface Observed {
  readonly child: ChildResult;
  /** Each time that the binary of the runtime was opened in the main thread. */
  readonly opened: readonly Opened[];
  /** Files in the home, cache and temporary folders afterwards, relative to the folder that holds them. */
  readonly files: readonly string[];
}

/** Runs a script with folders of its own and a record of when the runtime's binary is opened. */
async function observe(script: string, under: readonly string[] = []): Promise<Observed> {
  const root = temporaryFolder();
  const [home, cache, temporary] = ['home', 'cache', 'tmp'].map((name) => join(root, name)) as [string, string, string];
  for (const folder of [home, cache, temporary]) mkdirSync(folder);
  const record = join(root, 'opened');
  const child = await runChild(fixture(script), [], {
    under,
    execArgv: ['--import', pathToFileURL(fixture('record-binding.js')).href],
    env: {
      HOME: home,
      XDG_CACHE_HOME: cache,
      XDG_DATA_HOME: undefined,
      XDG_CONFIG_HOME: undefined,
      TMPDIR: temporary,
      RECORD_FILE: record,
      UPRES_CACHE_FOLDER: undefined,
      ORT_DISABLE_TELEMETRY: undefined,
      // The runtime reports nothing where it takes itself to be on a build server.
      CI: undefined,
    },
  });
  const lines = existsSync(record) ? readFileSync(record, 'utf8').trim().split('\n') : [];
  const opened = lines.map((line) => JSON.parse(line) as Opened);
  const files = ['home', 'cache', 'tmp'].flatMap((name) =>
    readdirSync(join(root, name), { recursive: true, encoding: 'utf8', withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1)),
  );
  return { child, opened, files };
}

/** A way to start a program in a namespace without network interfaces; undefined where none is permitted. */
const isolated = [
  ['unshare', '-rn'],
  ['unshare', '-n'],
].find(([program, ...flags]) => spawnSync(program!, [...flags, 'true']).status === 0);
if (!isolated) console.log('skipped: this machine permits no network namespace (unshare -rn)');

describe.runIf(isolated)('without any network', () => {
  it('does its whole job', async () => {
    const { child } = await observe('whole-job.js', isolated);
    expect({ code: child.code, signal: child.signal, stderr: child.stderr }).toEqual({
      code: 0,
      signal: null,
      stderr: '',
    });
    // An interface that is down is not listed: here not even the loopback is up.
    expect(JSON.parse(child.stdout)).toEqual({ width: 400, interfaces: [] });
  });
});

// The runtime in WebAssembly has none, nor a binary to open.
describe.skipIf(onWasm)("the runtime's telemetry", () => {
  it('is off before its binary is first opened', async () => {
    const { opened, child } = await observe('whole-job.js');
    expect(child.code, child.stderr).toBe(0);
    expect(opened.length).toBeGreaterThan(0);
    for (const { telemetry } of opened) expect(telemetry).toBe('1');
  });

  it('leaves no files: nothing appears but our own', async () => {
    const { files } = await observe('whole-job.js');
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((file) => !file.startsWith(join('cache', 'upres', 'weights')))).toEqual([]);
  });

  // Without a network, since it would report otherwise.
  it.runIf(isolated)('would be on without us, and leave files: so these checks can fail', async () => {
    const { opened, files, child } = await observe('bare-runtime.js', isolated);
    expect(child.code, child.stderr).toBe(0);
    expect(opened.map(({ telemetry }) => telemetry)).toEqual(['unset']);
    expect(files.some((file) => file.includes('onnxruntime'))).toBe(true);
  });
});
