import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { build, makeSite } from './support/vite-site.js';

/** Least and largest value that a drawing of these colours has, in every channel. */
const [least, largest] = [40, 200];
const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="32"><rect width="40" height="32" fill="rgb(${largest},${largest},${largest})"/><path d="M6 26 20 5l14 21z" fill="rgb(${least},${least},${least})"/></svg>`;

const range = (values: ArrayLike<number>): [number, number] => [
  Math.min(...Array.from(values)),
  Math.max(...Array.from(values)),
];

describe('a drawing of two colours in a build', () => {
  it.each(['auto', 'art', 'natural', 'anime'])('by %s has no value beyond them', async (model) => {
    const site = await makeSite({ 'index.html': `<!doctype html><img src="./mark.png?upscale=2&model=${model}">` });
    await site.write('mark.png', await sharp(Buffer.from(svg)).removeAlpha().png().toBuffer());
    const built = await build(site);
    const url = /<img src="([^"]+)"/.exec(built.text('.html'))![1]!;
    const result = await sharp(built.bytes(url)).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    expect([result.info.width, result.info.height]).toEqual([80, 64]);
    expect(range(result.data)).toEqual([least, largest]);
  });

  it('would have some by the network alone', async () => {
    const { data, info } = await sharp(Buffer.from(svg)).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    await using network = await ThreadSafeNetwork.fromLabel('natural', { scale: 2 });
    const bare = await network.upscaleImage({ width: info.width, height: info.height, channels: 3, data });
    const [darkest, lightest] = range(bare.data);
    expect(lightest - darkest).toBeGreaterThan(largest - least + 4);
  });
});
