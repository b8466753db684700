import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { engineIdentity } from '#src/asset/engine-identity.js';
import { builtinLabels, builtinNetwork } from '#src/model/catalogue/registry.js';

const { version, dependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
  dependencies: Record<string, string>;
};

it('names everything of the package that results are made of', () => {
  const words = engineIdentity().split(' ');
  expect(words).toEqual(expect.arrayContaining([version, dependencies['onnxruntime-node'], dependencies.sharp]));
  for (const { label, scales, kind } of builtinLabels()) {
    if (kind !== 'network') continue;
    for (const scale of scales) expect(words).toContain(builtinNetwork(label, scale).card.sha256);
  }
});

it('is the same every time', () => {
  expect(engineIdentity()).toBe(engineIdentity());
});

it('changes with the device, whoever names it', () => {
  const identities = ['cpu', 'wasm', 'auto'] as const;
  expect(new Set(identities.map((device) => engineIdentity(device))).size).toBe(3);
  process.env.UPRES_DEVICE = 'wasm';
  try {
    expect(engineIdentity()).toBe(engineIdentity('wasm'));
    expect(engineIdentity('cpu')).not.toBe(engineIdentity());
  } finally {
    delete process.env.UPRES_DEVICE;
  }
});
