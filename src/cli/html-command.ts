import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import type { AssetOptions } from '../asset/options.js';
import type { SiteAuto, SiteOptions, SiteResult } from '../asset/site/rewrite-site.js';
import { exitCodes, hasCode } from '../errors.js';
import { maxUpscale } from '../image/target.js';
import { decimal } from './amount.js';
import { mostToStopMs, watchInterrupts } from './interrupt.js';
import { print } from './streams.js';
import { UsageError } from './usage-error.js';
import { count } from './words.js';

interface HtmlOptions {
  out?: string;
  base?: string;
  auto?: string | boolean;
  maxWidth: string;
  model?: string;
  quality?: string;
  threads?: string;
  cache?: string | boolean;
  dryRun?: boolean;
  json?: boolean;
  quiet?: boolean;
}

/** `upres html <folder>`: pictures of a finished site, whatever made it. */
export function addHtmlCommand(program: Command, act: (action: () => Promise<number>) => Promise<void>): void {
  program
    .command('html')
    .description('make the pictures that a finished site asks for, as in logo.png?upscale=2, and name them there')
    .argument('<folder>', 'the site: pages, style sheets and pictures')
    .option('-o, --out <folder>', 'where the result is to be, with all other files (default: in place)')
    .option('--base <url>', 'URL under which the folder is served, such as https://example.com/blog/ (default: /)')
    .option('--auto [density]', 'also <img> and backgrounds that ask for nothing, up to this density (default: 2)')
    .option('--max-width <pixels>', 'for --auto: sources that are wider are sharp enough', '1024')
    .option('-m, --model <label>', 'see "upres models" (default: auto, whichever suits the image)')
    .option('-q, --quality <1-100>', 'for JPEG, WebP and AVIF (default: 85, 82 and 60)')
    .option('-t, --threads <n>', 'cores to use (default: all)')
    .option('--cache <folder>', 'where results are cached (default: see "upres cache stats")')
    .option('--no-cache', 'compute everything, keep nothing')
    .option('--dry-run', 'say what would be done, and write nothing')
    .option('--json', 'one line of JSON on standard output for each picture, file and problem')
    .option('--quiet', 'problems only')
    .action(async (folder: string, options: HtmlOptions) => {
      await act(() => rewrite(folder, options));
    });
}

async function rewrite(folder: string, options: HtmlOptions): Promise<number> {
  const root = path.resolve(folder);
  if (!(await stat(root).catch(() => undefined))?.isDirectory())
    throw new UsageError(`${folder}: there is no such folder`);
  const site = siteOptions(root, options);
  const [{ AssetPipeline }, { checkAssetOptions }, { rewriteSite }] = await Promise.all([
    import('../asset/pipeline.js'),
    import('../asset/options.js'),
    import('../asset/site/rewrite-site.js'),
  ]);
  const assets = assetOptions(options);
  const warn = (message: string): void => {
    process.stderr.write(`warning: ${message}\n`);
  };
  const pipeline = new AssetPipeline(assets, { root, warn });
  using interrupts = watchInterrupts((signal) => {
    process.stderr.write(`Stopping (${signal}); once more kills at once.\n`);
  }, mostToStopMs);
  try {
    checkAssetOptions(assets);
    const result = await rewriteSite(pipeline, { ...site, signal: interrupts.signal });
    if (options.json) tellJson(result, root);
    else tell(result, pipeline.report.table(), options);
    return result.problems.length > 0 ? exitCodes.someFailed : exitCodes.ok;
  } catch (error) {
    if (interrupts.exitCode !== undefined && error === interrupts.signal.reason) {
      process.stderr.write('Stopped: no page was changed.\n');
      return interrupts.exitCode;
    }
    if (hasCode(error, 'BAD_ARGUMENT')) throw new UsageError((error as Error).message);
    throw error;
  } finally {
    await pipeline.close();
  }
}

function siteOptions(root: string, { out, base, auto, maxWidth, dryRun = false }: HtmlOptions): SiteOptions {
  return {
    root,
    dryRun,
    ...(out === undefined ? {} : { out: path.resolve(out) }),
    ...(base === undefined ? {} : { base }),
    ...(auto === undefined || auto === false ? {} : { auto: autoOf(auto, maxWidth) }),
  };
}

function autoOf(given: string | true, maxWidth: string): SiteAuto {
  const density = given === true ? 2 : decimal(given);
  if (!(density > 1 && density <= maxUpscale)) {
    throw new UsageError(`--auto takes a density over 1 and up to ${maxUpscale}, such as 2, not "${String(given)}"`);
  }
  const widest = decimal(maxWidth);
  if (!(widest >= 1)) throw new UsageError(`--max-width takes a number of pixels, not "${maxWidth}"`);
  return { density, maxWidth: widest };
}

function assetOptions({ model, quality, threads, cache }: HtmlOptions): AssetOptions {
  return {
    ...(model === undefined ? {} : { model }),
    ...(quality === undefined ? {} : { quality: decimal(quality) }),
    ...(threads === undefined ? {} : { threads: decimal(threads) }),
    ...(cache === undefined || cache === true ? {} : { cache }),
  };
}

function tellJson({ files, pictures, problems }: SiteResult, root: string): void {
  const shown = (file: string): string => path.relative(root, file).split(path.sep).join('/');
  for (const { file, source, ...facts } of pictures) {
    print(JSON.stringify({ picture: shown(file), source: shown(source), ...facts }));
  }
  for (const { file, ...facts } of files) print(JSON.stringify({ file, ...facts }));
  for (const { file, url, code, message } of problems) print(JSON.stringify({ problem: url, file, code, message }));
}

function tell({ files, pictures, problems }: SiteResult, table: string[], { quiet, dryRun }: HtmlOptions): void {
  if (!quiet) {
    for (const line of table.slice(0, -1)) process.stderr.write(`${line}\n`);
    const references = files.reduce((sum, file) => sum + file.references, 0);
    const changed = files.filter((file) => (dryRun ? file.references > 0 : file.written)).length;
    const written = pictures.filter((picture) => dryRun === true || picture.written).length;
    process.stderr.write(
      `${count(references, 'reference')} in ${count(files.length, 'page or style sheet', 'pages and style sheets')}; ` +
        `${dryRun ? 'would write' : 'wrote'} ${count(changed, 'of these', 'of these')} and ${count(written, 'picture')}\n`,
    );
  }
  for (const { file, url, message } of problems) process.stderr.write(`error: ${url}: ${message} (in ${file})\n`);
}
