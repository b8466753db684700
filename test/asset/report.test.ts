import { describe, expect, it } from 'vitest';
import { AssetReport, kilobytes, type ReportEntry } from '#src/asset/report.js';
import { reportPage } from '#src/asset/report-page.js';

function entry(fields: Partial<ReportEntry> = {}): ReportEntry {
  return {
    file: '/site/a.png',
    name: 'a@2x.png',
    model: 'natural',
    before: { width: 10, height: 5, bytes: 1234, data: undefined },
    after: { width: 20, height: 10, bytes: 45_678, data: undefined },
    beforeFormat: 'png',
    format: 'png',
    status: 'computed',
    ms: 1234,
    warning: undefined,
    ...fields,
  };
}

function reportOf(entries: readonly ReportEntry[]): AssetReport {
  const report = new AssetReport();
  for (const each of entries) report.add(each);
  return report;
}

describe('the report', () => {
  const entries = [
    entry(),
    entry({ name: 'a@3x.png' }),
    entry({ name: 'a@2x.png', model: 'art' }),
    entry({ name: 'a@2x.webp', format: 'webp' }),
    entry({ file: '/site/b.png', name: 'b@2x.png' }),
  ];

  it('does not depend on the order of work', () => {
    expect(reportOf([...entries].reverse()).entries()).toEqual(reportOf(entries).entries());
  });

  it('has a variant once, as it was made last', () => {
    const report = reportOf([...entries, entry({ status: 'cached' })]);
    expect(report.entries()).toHaveLength(entries.length);
    expect(report.entries().filter(({ status }) => status === 'cached')).toHaveLength(1);
    report.clear();
    expect(report.entries()).toEqual([]);
  });

  it('tells the device where it was not the CPU', () => {
    const lines = reportOf([entry({ device: 'webgpu' }), entry({ name: 'b.png', device: 'cpu' })]).table();
    expect(lines[0]).toContain('natural on webgpu, 1.2 s');
    expect(lines[1]).toContain('natural, 1.2 s');
    expect(reportPage([entry({ device: 'cuda' })])).toContain('<dt>model</dt><dd>natural on cuda</dd>');
    expect(reportPage([entry({ device: 'cpu' })])).toContain('<dt>model</dt><dd>natural</dd>');
  });

  it('names no network where nothing was enlarged', () => {
    const smaller = { width: 8, height: 4, bytes: 300, data: undefined };
    const lines = reportOf([
      entry({ name: 'a-8w.png', after: smaller, device: 'webgpu' }),
      entry({ name: 'a.webp', format: 'webp', after: { ...smaller, width: 10, height: 5 }, status: 'cached' }),
      entry({ name: 'b.png', after: { ...smaller, height: 6 } }),
    ]).table();
    expect(lines[0]).toMatch(/ no network, 1\.2 s$/);
    expect(lines[1]).toContain('no network, from the cache');
    expect(lines[2]).toContain('natural, 1.2 s');
    expect(reportPage([entry({ after: smaller })])).toContain('<dt>model</dt><dd>no network</dd>');
    expect(reportPage([entry()])).toContain('<dt>model</dt><dd>natural</dd>');
  });

  it('says nothing where nothing was done', () => {
    expect(new AssetReport().table()).toEqual([]);
  });

  it('tells each variant in a line, and all of them in one', () => {
    const report = reportOf([
      entry(),
      entry({ name: 'b.png', status: 'cached' }),
      entry({ name: 'c.png', status: 'override' }),
      entry({ name: 'd.png', status: 'verbatim' }),
      entry({ name: 'e.png', status: 'original', warning: 'it is damaged' }),
      entry({ name: 'f.png', status: 'resized', warning: 'no such network' }),
    ]);
    expect(report.table()).toEqual([
      'a@2x.png  10×5 → 20×10  1.23 kB → 45.7 kB  natural, 1.2 s',
      'b.png     10×5 → 20×10  1.23 kB → 45.7 kB  natural, from the cache',
      'c.png     10×5 → 20×10  1.23 kB → 45.7 kB  made by hand',
      'd.png     10×5 → 20×10  1.23 kB → 45.7 kB  as it was',
      'e.png     10×5 → 20×10  1.23 kB → 45.7 kB  left as it was: it is damaged',
      'f.png     10×5 → 20×10  1.23 kB → 45.7 kB  resized: no such network',
      '6 pictures (1 computed, 1 from the cache, 1 made by hand, 1 as they were, 1 left as they were after an error, ' +
        '1 resized after an error), 1.23 kB → 274 kB',
    ]);
  });

  it('is short in a log, however many there are', () => {
    const many = Array.from({ length: 50 }, (_, i) => entry({ name: `${i}.png` }));
    expect(reportOf(many).table()).toHaveLength(14);
    expect(reportOf(many).table()[12]).toBe('… and 38 more');
    expect(reportOf(many).summary()).toMatch(/^50 pictures \(50 computed\), 1\.23 kB → 2\.28 MB$/);
  });

  it('counts bytes in thousands', () => {
    expect([0, 999, 12_345, 999_999, 1_234_567].map(kilobytes)).toEqual([
      '0 kB',
      '0.999 kB',
      '12.3 kB',
      '1 MB',
      '1.23 MB',
    ]);
  });
});

describe('its page', () => {
  const picture = { before: { width: 10, height: 5, bytes: 1234, data: Buffer.from('small') } };
  const both = entry({ ...picture, after: { width: 20, height: 10, bytes: 45_678, data: Buffer.from('large') } });

  it('shows both pictures, one over the other at the size of the result, with a slider for keyboards too', () => {
    const page = reportPage([both]);
    const sizes = [...page.matchAll(/<img class="(\w+)" width="(\d+)" height="(\d+)"/g)].map((match) => match.slice(1));
    expect(sizes).toEqual([
      ['after', '20', '10'],
      ['before', '20', '10'],
    ]);
    expect(page).toContain(`src="data:image/png;base64,${Buffer.from('small').toString('base64')}"`);
    expect(page).toContain(`src="data:image/png;base64,${Buffer.from('large').toString('base64')}"`);
    expect(page).toMatch(/<input type="range"[^>]*aria-label="[^"]+"/);
  });

  it('tells sizes, bytes, time, model and what was done', () => {
    const page = reportPage([both, entry({ name: 'b.png', status: 'resized', warning: 'no such network' })]);
    for (const text of [
      '10×5 → 20×10',
      '1.23 kB → 45.7 kB',
      '1.23 s',
      'natural',
      'computed',
      'resized: no such network',
    ]) {
      expect(page).toContain(text);
    }
  });

  it('asks for nothing: no URL leads out of it, and its policy forbids it', () => {
    const page = reportPage([both]);
    expect(page).toContain(`content="default-src 'none'; img-src data:;`);
    expect(page).not.toMatch(/(?:src|href)="(?!data:)/);
    expect(page).not.toMatch(/https?:|url\(/);
  });

  it('takes no markup from names and messages', () => {
    const evil = '"><script>alert(1)</script>&';
    const page = reportPage(
      [entry({ ...both, name: evil, file: `/x/${evil}`, model: evil, status: 'original', warning: evil })],
      evil,
    );
    expect(page.match(/<script>/g)).toHaveLength(1);
    expect(page).not.toContain('alert(1)</script>&<');
    expect(page).toContain('&quot;&gt;&lt;script&gt;');
  });

  it('says so where browsers can not show a picture', () => {
    expect(reportPage([entry({ ...both, format: 'tiff' })])).toContain('Browsers do not show TIFF.');
  });
});
