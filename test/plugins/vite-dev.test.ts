import { rm, utimes } from 'node:fs/promises';
import { request } from 'node:http';
import sharp from 'sharp';
import type { ViteDevServer } from 'vite';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Upscaler } from '#src/image/upscale.js';
import { cases, refused } from './cases.js';
import { urlsIn } from './support/value.js';
import { configOf, coreBytes, evaluate, makeSite, vites, type BuildOptions, type Site } from './support/vite-site.js';

interface Served {
  readonly server: ViteDevServer;
  readonly get: (url: string, init?: RequestInit) => Promise<Response>;
}

async function serve(site: Site, options: BuildOptions): Promise<Served> {
  const { vite } = options;
  const config = vite!.mergeConfig(configOf(site, options), { server: { port: 0, host: '127.0.0.1' } });
  const server = await vite!.createServer(config);
  onTestFinished(() => server.close());
  await server.listen();
  const address = server.httpServer!.address() as { port: number };
  return { server, get: (url, init) => fetch(`http://127.0.0.1:${address.port}${url}`, init) };
}

const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());

describe.for(vites)('the development server of Vite $version', (vite) => {
  it('answers imports with what the build would give', async () => {
    const site = await makeSite();
    const { get } = await serve(site, { vite });
    for (const one of cases) {
      const module = await (await get(`/${one.source}?import&${one.query}`)).text();
      const urls = urlsIn(await evaluate(module), one.value)!;
      expect(urls, module).toHaveLength(one.files.length);
      const core = await coreBytes(site, one.source, one.query);
      for (const [index, file] of one.files.entries()) {
        const response = await get(urls[index]!);
        expect(response.headers.get('content-type')).toBe(`image/${file.format}`);
        const bytes = await bytesOf(response);
        const { width, height, format } = await sharp(bytes).metadata();
        expect({ width, height, format }).toEqual(file);
        expect(Buffer.compare(bytes, core.get(`${width} ${format}`)!)).toBe(0);
      }
    }
  });

  it('answers pages and styles, under a base too', async () => {
    const site = await makeSite({
      'index.html': `<!doctype html><link rel="stylesheet" href="/a.css"><img alt="" src="./logo.png?upscale=1;2&as=img">
        <img alt="" srcset="/logo.png?upscale=1;2&as=srcset"><p style="background: url(logo.png?upscale=3)"></p>`,
      'a.css': `@import './deep/b.css';`,
      'deep/b.css': '.b { background: url(../logo.png?upscale=1;2&as=srcset) }',
    });
    const { get } = await serve(site, { vite, config: { base: '/site/' } });
    const html = await (await get('/site/', { headers: { accept: 'text/html' } })).text();
    const css = await (await get('/site/a.css', { headers: { accept: 'text/css' } })).text();
    const urls = `${html} ${css}`.replace(/&amp;/g, '&').match(/[^\s"'();,]*logo\.png\?[^\s"')]*?(?=[\s"')]|&quot;)/g)!;
    expect(urls.length).toBe(2 + 2 + 1 + 1 + 2);
    expect(html).toContain('width="10" height="10"');
    expect(css).toContain('image-set(');
    const widths = await Promise.all(
      urls.map(async (url) => {
        expect(url).toMatch(/^\/site\/logo\.png\?/);
        return (await sharp(await bytesOf(await get(url))).metadata()).width;
      }),
    );
    expect([...new Set(widths)].sort()).toEqual([10, 20, 30]);
  });

  it('answers with an ETag, and not at all where the browser has it', async () => {
    const site = await makeSite();
    const { get } = await serve(site, { vite });
    const first = await get('/logo.png?upscale=2');
    const tag = first.headers.get('etag')!;
    expect(first.headers.get('cache-control')).toBe('no-cache');
    const second = await get('/logo.png?upscale=2', { headers: { 'if-none-match': `"other", W/${tag}` } });
    expect(second.status).toBe(304);
    await site.copy('clipart-icon.png', 'logo.png');
    const third = await get('/logo.png?upscale=2', { headers: { 'if-none-match': tag } });
    expect(third.status).toBe(200);
    expect((await get('/logo.png?upscale=2', { method: 'HEAD' })).headers.get('content-length')).toBe(
      String((await bytesOf(third)).length),
    );
  });

  it('refuses what it can’t or may not serve, and goes on', async () => {
    const site = await makeSite({ 'site/index.html': '<!doctype html>', 'site/notes.txt': 'notes' });
    await site.copy('palette.png', 'outside.png');
    await site.copy('palette.png', 'site/logo.png');
    const config = { root: site.path('site'), server: { fs: { allow: [site.path('site')] } } };
    const { get } = await serve(site, { vite, config, maxOutputPixels: 10_000 });
    for (const { query, words } of refused) {
      const response = await get(`/logo.png?${query}`);
      expect([response.status, await response.text()]).toEqual([400, expect.stringContaining(words)]);
    }
    const status = async (url: string): Promise<number> => (await get(url)).status;
    expect(await status('/nowhere.png?upscale=2')).toBe(404);
    expect((await get('/gallery?upscale=2', { headers: { accept: 'text/html' } })).headers.get('content-type')).toBe(
      'text/html',
    );
    expect(await status('/%E0%A4%A.png?upscale=2')).toBe(404);
    expect(await status('/notes.txt?upscale=2')).toBe(400);
    expect(await status('/logo.png?upscale&width=101')).toBe(400);
    expect(await status(`/@fs${site.path('outside.png')}?upscale=2`)).toBe(403);
    expect(await status(`/@fs${site.path('site')}/..%2foutside.png?upscale=2`)).toBe(403);
    expect(await status('/..%2foutside.png?upscale=2')).toBe(404);
    expect(await status(`/@fs${site.path('site/logo.png')}?upscale=2`)).toBe(200);
    const text = await (await get(`/@fs${site.path('outside.png')}?upscale=2`)).text();
    expect(text).not.toContain(site.folder);
  });

  it('comes after Vite’s own checks', async () => {
    const site = await makeSite();
    const { get } = await serve(site, {
      vite,
      config: { server: { headers: { 'x-own': 'yes' }, cors: { origin: 'https://a.example' } } },
    });
    const { headers } = await get('/logo.png?upscale=2', { headers: { origin: 'https://a.example' } });
    expect([headers.get('access-control-allow-origin'), headers.get('x-own')]).toEqual(['https://a.example', 'yes']);
    const other = await get('/logo.png?upscale=2', { headers: { origin: 'https://b.example' } });
    expect(other.headers.get('access-control-allow-origin')).not.toBe('https://b.example');
  });

  it('serves public files, which may lie elsewhere', async () => {
    const site = await makeSite({ 'site/index.html': '' });
    await site.copy('palette.png', 'public/badge.png');
    const config = { root: site.path('site'), publicDir: '../public', server: { fs: { allow: [site.path('site')] } } };
    const { get } = await serve(site, { vite, config });
    expect((await sharp(await bytesOf(await get('/badge.png?upscale=3'))).metadata()).width).toBe(30);
    const url = (await evaluate(await (await get('/badge.png?import&upscale=3')).text())) as string;
    expect(url).toMatch(/^\/badge\.png\?/);
    expect((await get(url)).status).toBe(200);
  });

  it('gives other environments the same URLs', async () => {
    const site = await makeSite({ 'main.js': `export { default } from './logo.png?upscale=1;2&as=img';` });
    const { get, server } = await serve(site, { vite });
    const client = await evaluate(await (await get('/logo.png?import&upscale=1;2&as=img')).text());
    expect((await server.ssrLoadModule('/main.js')).default).toEqual(client);
  });

  it('previews at once, and has the real one for the next request', async () => {
    const site = await makeSite();
    const { get } = await serve(site, { vite, dev: 'preview', cache: site.path('cache') });
    const url = '/drawing.png?upscale=2&model=art';
    const core = (await coreBytes(site, 'drawing.png', 'upscale=2&model=art')).get('320 png')!;
    const first = await get(url);
    const preview = await bytesOf(first);
    expect((await sharp(preview).metadata()).width).toBe(320);
    expect(Buffer.compare(preview, core)).not.toBe(0);
    const tag = first.headers.get('etag')!;
    await vi.waitFor(async () => {
      const response = await get(url, { headers: { 'if-none-match': tag } });
      expect(response.status).toBe(200);
      expect(Buffer.compare(await bytesOf(response), core)).toBe(0);
    }, 20_000);
  });

  it('answers with the source where it is switched off', async () => {
    const site = await makeSite();
    const { get } = await serve(site, { vite, dev: 'off' });
    expect((await sharp(await bytesOf(await get('/photo.jpg?upscale=2'))).metadata()).width).toBe(320);
  });

  it('stops when the browser hangs up', async () => {
    const site = await makeSite();
    await site.copy('astronaut.png', 'large.png');
    const { get, server } = await serve(site, { vite, cache: site.path('cache') });
    const upscale = vi.spyOn(Upscaler.prototype, 'upscale');
    onTestFinished(() => {
      upscale.mockRestore();
    });
    const { port } = server.httpServer!.address() as { port: number };
    const asked = request({ port, host: '127.0.0.1', path: '/large.png?upscale=8' }).end();
    asked.on('error', () => undefined);
    await vi.waitFor(() => {
      expect(upscale).toHaveBeenCalledOnce();
    });
    asked.destroy();
    await expect(upscale.mock.results[0]!.value).rejects.toMatchObject({ code: 'ABORTED' });
    expect((await get('/logo.png?upscale=2')).status).toBe(200);
  });

  it('replaces modules, styles and pages whose sources change', async () => {
    const site = await makeSite({
      'index.html':
        '<!doctype html><img alt="" src="photo.jpg?upscale=1;2&as=img"><script type="module" src="/main.js"></script>',
      'main.js': `import './a.css'; import url from './logo.png?upscale=2'; if (import.meta.hot) import.meta.hot.accept(); export default url;`,
      'a.css': '.a { background: url(drawing.png?upscale=2) }',
    });
    const { get, server } = await serve(site, { vite });
    for (const url of ['/', '/main.js', '/logo.png?import&upscale=2', '/a.css']) {
      await get(url, { headers: { accept: url === '/' ? 'text/html' : '*/*' } });
    }
    const sent: { type: string; updates?: { path: string }[] }[] = [];
    const { hot } = server.environments.client;
    vi.spyOn(hot, 'send').mockImplementation((payload: unknown) => {
      sent.push(payload as (typeof sent)[number]);
    });
    const change = async (name: string): Promise<void> => {
      sent.length = 0;
      const later = new Date(Date.now() + 60_000);
      await utimes(site.path(name), later, later);
      server.watcher.emit('change', site.path(name));
    };
    const paths = (): string[] => sent.flatMap(({ type, updates = [] }) => [type, ...updates.map(({ path }) => path)]);
    await change('logo.png');
    await vi.waitFor(() => {
      expect(paths()).toContain('/main.js');
    });
    expect(await evaluate(await (await get('/logo.png?import&upscale=2')).text())).toMatch(/&t=\d+$/);
    await change('drawing.png');
    await vi.waitFor(() => {
      expect(paths()).toContain('/a.css');
    });
    await change('photo.jpg');
    await vi.waitFor(() => {
      expect(paths()).toContain('full-reload');
    });
    // A picture made by hand appears next to a source.
    sent.length = 0;
    await site.copy('clipart-icon.png', 'logo@2x.png');
    server.watcher.emit('add', site.path('logo@2x.png'));
    await vi.waitFor(() => {
      expect(paths()).toContain('/main.js');
    });
    expect(await evaluate(await (await get('/logo.png?import&upscale=2')).text())).toContain('/logo@2x.png?');
    sent.length = 0;
    await rm(site.path('logo@2x.png'));
    server.watcher.emit('unlink', site.path('logo@2x.png'));
    await vi.waitFor(() => {
      expect(paths()).toContain('/main.js');
    });
    expect(await evaluate(await (await get('/logo.png?import&upscale=2')).text())).toContain('/logo.png?');
  });
});
