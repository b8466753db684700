import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { DeviceChoice } from '#src/network/device.js';
import { runChild } from './child.js';

const script = fileURLToPath(new URL('../network/fixtures/resolve-device.js', import.meta.url));

interface Outcomes {
  readonly outcomes: readonly unknown[];
  readonly warnings: readonly { readonly code: string; readonly name: string; readonly message: string }[];
}

/** What choices mean in a process of its own, since it is remembered there. */
export async function resolveIn(
  env: Readonly<Record<string, string>>,
  ...choices: readonly DeviceChoice[]
): Promise<Outcomes> {
  const { code, stdout, stderr } = await runChild(script, choices, {
    env: { ...env, UPRES_ACCEPT_SOFTWARE_GPU: undefined },
  });
  expect(code, stderr).toBe(0);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  return { outcomes: lines.slice(0, -1), warnings: lines.at(-1) as Outcomes['warnings'] };
}
