import { describe, expect, it } from 'vitest';
import type { AssetPlan, VariantPlan } from '#src/asset/asset-plan.js';
import type { Shape } from '#src/asset/directives.js';
import { assetValue, imageSetOf, srcsetOf } from '#src/asset/markup.js';
import { moduleCode } from '#src/asset/module-code.js';
import type { OutputFormat } from '#src/image/codec/formats.js';
import { Source } from '#src/image/image-source.js';

function variant(density: number, format: OutputFormat = 'png'): VariantPlan {
  return {
    source: '/a.png',
    image: new Source('/a.png'),
    isOverride: false,
    target: { upscale: density },
    format,
    verbatim: false,
    encoding: {},
    animation: undefined,
    model: 'natural',
    width: 100 * density,
    height: 50 * density,
    density,
    name: `a@${density}x.${format}`,
    directives: {},
  };
}

function plan(shape: Shape, variants: readonly VariantPlan[]): AssetPlan {
  const info = { format: 'png', width: 100, height: 50, frames: 1, alpha: false, grey: false, depth: 8 } as const;
  return { file: '/a.png', shape, layout: { width: 100, height: 50 }, variants, info, missing: [], ownInPlace: [] };
}

const urlOf = ({ name }: VariantPlan): string => `/assets/${name}`;
const densities = [variant(1), variant(1.5), variant(2)];
const formats: OutputFormat[] = ['png', 'webp', 'jpeg', 'avif'];
const pairs = formats.flatMap((format) => [variant(1, format), variant(2, format)]);

describe('shapes', () => {
  it('url', () => {
    expect(assetValue(plan('url', [variant(2)]), urlOf)).toBe('/assets/a@2x.png');
  });

  it('srcset', () => {
    expect(assetValue(plan('srcset', densities), urlOf)).toBe(
      '/assets/a@1x.png 1x, /assets/a@1.5x.png 1.5x, /assets/a@2x.png 2x',
    );
  });

  it('img: the size is that of the layout, and src the least that fills it', () => {
    expect(assetValue(plan('img', densities), urlOf)).toEqual({
      src: '/assets/a@1x.png',
      srcset: '/assets/a@1x.png 1x, /assets/a@1.5x.png 1.5x, /assets/a@2x.png 2x',
      width: 100,
      height: 50,
    });
    expect(assetValue(plan('img', [variant(2), variant(4)]), urlOf)).toMatchObject({ src: '/assets/a@2x.png' });
  });

  it('picture: the smallest formats first, and the last one of those that all know is the img', () => {
    expect(assetValue(plan('picture', pairs), urlOf)).toEqual({
      sources: [
        { srcset: '/assets/a@1x.avif 1x, /assets/a@2x.avif 2x', type: 'image/avif' },
        { srcset: '/assets/a@1x.webp 1x, /assets/a@2x.webp 2x', type: 'image/webp' },
        { srcset: '/assets/a@1x.png 1x, /assets/a@2x.png 2x', type: 'image/png' },
      ],
      img: {
        src: '/assets/a@1x.jpeg',
        srcset: '/assets/a@1x.jpeg 1x, /assets/a@2x.jpeg 2x',
        width: 100,
        height: 50,
      },
    });
  });

  it('picture of one format has no sources', () => {
    expect(assetValue(plan('picture', densities), urlOf)).toMatchObject({ sources: [] });
  });

  it('metadata: pixels of the largest, CSS pixels of the layout', () => {
    expect(assetValue(plan('metadata', densities), urlOf)).toEqual({
      src: '/assets/a@2x.png',
      width: 200,
      height: 100,
      displayWidth: 100,
      displayHeight: 50,
      format: 'png',
    });
  });
});

describe('escaping', () => {
  it('spaces and commas would part the candidates of a srcset', () => {
    expect(srcsetOf([variant(1)], () => '/my photo,1.png')).toBe('/my%20photo%2C1.png 1x');
    expect(srcsetOf([variant(1)], () => 'data:image/png;base64,AA==')).toBe('data:image/png;base64,AA== 1x');
  });

  it('quotes and backslashes would end the string of a url()', () => {
    expect(imageSetOf([variant(1)], () => 'a"b\\c.png')).toBe('image-set(url("a\\"b\\\\c.png") 1x)');
  });

  it('densities have at most three decimals', () => {
    expect(srcsetOf([variant(4 / 3)], () => 'a.png')).toBe('a.png 1.333x');
  });

  it('image-set names types where there are several', () => {
    expect(imageSetOf([variant(1), variant(2)], urlOf)).toBe(
      'image-set(url("/assets/a@1x.png") 1x, url("/assets/a@2x.png") 2x)',
    );
    expect(imageSetOf([variant(1, 'webp'), variant(1)], urlOf)).toBe(
      'image-set(url("/assets/a@1x.webp") 1x type("image/webp"), url("/assets/a@1x.png") 1x type("image/png"))',
    );
  });
});

describe('module code', () => {
  /** What the module exports when it runs. */
  async function run(code: string): Promise<unknown> {
    const { default: value } = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as {
      default: unknown;
    };
    return value;
  }

  const shapesOf: [Shape, readonly VariantPlan[]][] = [
    ['url', [variant(2)]],
    ['srcset', densities],
    ['srcset', [variant(2)]],
    ['img', densities],
    ['picture', pairs],
    ['metadata', densities],
  ];

  it.each(shapesOf)('exports %s as it is', async (shape, variants) => {
    const asset = plan(shape, variants);
    expect(await run(moduleCode(asset, (each) => JSON.stringify(urlOf(each))))).toEqual(assetValue(asset, urlOf));
  });

  it.each(shapesOf)('exports %s of URLs that are known only when it runs', async (shape, variants) => {
    const asset = plan(shape, variants);
    const code = moduleCode(
      asset,
      (each) => `(globalThis, "" + ["", "my assets", ${JSON.stringify(each.name)}].join("/"))`,
    );
    const named = ({ name }: VariantPlan): string => `/my assets/${name}`;
    expect(await run(code)).toEqual(assetValue(asset, named));
  });

  it('has no code but the value where all URLs are known', () => {
    expect(moduleCode(plan('srcset', densities), (each) => JSON.stringify(urlOf(each)))).toBe(
      'export default "/assets/a@1x.png" + " 1x, " + "/assets/a@1.5x.png" + " 1.5x, " + "/assets/a@2x.png" + " 2x";\n',
    );
  });
});
