import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { builtins } from '../support/builtins.js';
import { flat } from '../support/pictures.js';

const levels = [0, 51, 102, 153, 204, 255];
const colours = levels.flatMap((r) => levels.flatMap((g) => levels.map((b): [number, number, number] => [r, g, b])));

describe.each(builtins.filter(({ faithful }) => faithful))('$label ×$scale', ({ label, scale }) => {
  let network: ThreadSafeNetwork;

  beforeAll(async () => {
    network = await ThreadSafeNetwork.fromLabel(label, { scale });
  });
  afterAll(() => network.dispose());

  it('leaves flat colours exactly as they are, up to the border and in pictures of one pixel', async () => {
    const sizes = [
      [24, 20],
      [1, 1],
    ] as const;
    const wrong = await Promise.all(
      colours.flatMap((colour) =>
        sizes.map(async ([width, height]) => {
          const { data } = await network.upscaleImage(flat(width, height, colour));
          return data.every((value, index) => value === colour[index % 3]) ? [] : [{ colour, width }];
        }),
      ),
    );
    expect(wrong.flat()).toEqual([]);
  });
});
