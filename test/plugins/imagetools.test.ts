import sharp from 'sharp';
import { build as viteBuild, type InlineConfig, type Plugin, type Rolldown } from 'vite';
import { imagetools } from 'vite-imagetools';
import { describe, expect, it } from 'vitest';
import { upscaling, type UpscalingOptions } from 'upres/imagetools';
import upres from 'upres/vite';
import { build, builtOf, makeSite, type Built, type Site } from './support/vite-site.js';

/** A page that uses what these import. */
const siteOf = async (...imports: string[]): Promise<Site> => {
  const names = imports.map((_, at) => `picture${at}`);
  const lines = imports.map((url, at) => `import picture${at} from './${url}';`);
  return makeSite({
    'index.html': '<script type="module" src="./main.js"></script>',
    'main.js': `${lines.join('\n')}\nglobalThis.found = [${names.join(', ')}];`,
  });
};

const tools = (options: UpscalingOptions = {}): Plugin =>
  upscaling(imagetools({ cache: { enabled: false } }), { threads: 1, ...options });

/** The pictures of a build, as in `jpeg 320x214`. */
async function pictures({ files }: Built): Promise<string[]> {
  const assets = [...files.values()].filter(({ fileName }) => /\.(?:jpe?g|png|webp|avif)$/.test(fileName));
  const sizes = assets.map(async (file) => {
    const { format, width, height } = await sharp(file.type === 'asset' ? file.source : '').metadata();
    return `${format} ${width}x${height}`;
  });
  return (await Promise.all(sizes)).sort();
}

describe('upres/imagetools', () => {
  it.each([
    ['behind upres/vite', (ours: Plugin[]) => [...ours, tools()]],
    ['before upres/vite', (ours: Plugin[]) => [tools(), ...ours]],
  ])('enlarges before imagetools reduces, %s', async (_, ordered) => {
    const site = await siteOf(
      // 320 by 214 pixels, 10 by 10 and 160 by 87.
      'photo.jpg?upscale=2&w=160;480&format=avif;webp&as=picture',
      'photo.jpg?upscale=2&w=600',
      'logo.png?upscale&w=30',
      'drawing.png?w=80',
      'drawing.png?upscale=2',
    );
    const plugins = ordered(upres({ cache: false, threads: 1 }));
    const config: InlineConfig = { root: site.folder, configFile: false, logLevel: 'silent', plugins };
    const result = await viteBuild({ ...config, build: { assetsInlineLimit: 0, write: false } });
    const made = await pictures(builtOf([result].flat() as Rolldown.RolldownOutput[]));
    expect(made).toEqual([
      'heif 160x107',
      'heif 480x321',
      'jpeg 600x401',
      'png 30x30',
      'png 320x174',
      'png 80x44',
      'webp 160x107',
      'webp 480x321',
    ]);
  });

  it.each([
    ['photo.jpg?upscale=2&w=500&blurr=3', 'there is no directive "blurr". Did you mean "blur"?'],
    ['photo.jpg?upscale=1;2&w=500', 'give upscale one factor'],
    ['photo.jpg?upscale&fit=cover', 'upscale needs a factor'],
  ])('refuses %s', async (url, message) => {
    const site = await siteOf(url);
    await expect(build(site, { plugins: [tools()] })).rejects.toThrow(message);
  });

  it('knows the keys that it is told', async () => {
    const site = await siteOf('logo.png?upscale=2&sepia=1');
    expect(await pictures(await build(site, { plugins: [tools({ keys: ['sepia'] })] }))).toEqual(['png 20x20']);
  });

  it('says where imagetools takes no such file', async () => {
    const plugin = upscaling(imagetools({ include: /\.jpg/, cache: { enabled: false } }));
    const site = await siteOf('logo.png?upscale=2&w=20');
    await expect(build(site, { plugins: [plugin] })).rejects.toThrow('imagetools takes no such file');
  });

  it('refuses what it can’t help', () => {
    expect(() => upscaling([{ name: 'another' }])).toThrow('upscaling() takes imagetools()');
    expect(() => tools({ modle: 'art' } as UpscalingOptions)).toThrow('modle');
  });
});
