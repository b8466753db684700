import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { directivesQuery, type Directives } from '#upres/asset/directives.js';
import { engineIdentity } from '#upres/asset/engine-identity.js';
import { extensionFor, formatByWord, formatWords } from '#upres/asset/names.js';
import { presetOf, type AssetOptions } from '#upres/asset/options.js';
import { UpresError } from '#upres/errors.js';
import type { LoaderOptions } from './protocol.js';

/** A rule of `turbopack.rules`. */
interface Rule {
  readonly condition: object;
  readonly loaders: readonly { loader: string; options: LoaderOptions }[];
  readonly type?: 'ecmascript' | 'asset';
  readonly as?: string;
}

const extensions = `{${formatWords.join(',')}}`;
/** Images that Turbopack is asked about, as cameras call them, too. */
const images = `*.{${[...formatWords, ...formatWords.map((word) => word.toUpperCase())].join(',')}}`;
/**
 * What is in another format than its source, as Turbopack is made to call it: `photo.png.upres.webp`. It knows extensions in small letters,
 * so `PHOTO.PNG` becomes `PHOTO.PNG.upres.png`.
 */
const renamed = `*.upres.${extensions}`;

const saysFormat = /[?&]format=/;

const asks = { query: directivesQuery };
const original = { not: { path: /\.upres\.[a-z]+$/ } };

const loader = fileURLToPath(new URL('./loader.js', import.meta.url));

/**
 * Rules for images with directives, before those of the project. There are three kinds of results: modules (`as=img` and the like),
 * URLs (`as=url`), and what Turbopack itself makes of an image where no one says a type: a file for CSS, and for imports what
 * `next/image` takes, `{ src, width, height, blurDataURL }`.
 * @param rules the project's
 * @throws BAD_ARGUMENT where ours are there already: each would enlarge what the other made
 */
export function turbopackRules(
  rules: Readonly<Record<string, unknown>> = {},
  options: AssetOptions,
  root: string,
): Record<string, unknown> {
  if (JSON.stringify(rules).includes(JSON.stringify(loader))) {
    throw new UpresError('BAD_ARGUMENT', 'upres() is there twice in this configuration of Next: keep one');
  }
  // Turbopack hands on what is JSON.
  const own = JSON.parse(JSON.stringify({ options, root, identity: identity(options) })) as LoaderOptions;
  const loaders = [{ loader, options: own }];
  const markup = { query: shapeExpression(options) };
  const url = { query: /[?&]as=url(?:&|$)/ };
  const presetSaysFormat = presetExpression(options, ({ format }) => format !== undefined);
  const ours: Rule[] = [{ condition: { all: [asks, original, markup] }, loaders, type: 'ecmascript' }];
  const converted: object[] = [];
  for (const format of new Set(formatWords.map((word) => formatByWord(word)!))) {
    const words = formatWords.filter((word) => formatByWord(word) === format).join('|');
    const byPreset = presetExpression(options, (preset) => preset.format?.[0] === format);
    const conversion = [
      {
        any: [
          { query: new RegExp(`[?&]format=(?:${words})(?:&|$)`) },
          { all: [{ not: { query: saysFormat } }, { query: byPreset }] },
          {
            all: [
              { not: { any: [{ query: saysFormat }, { query: presetSaysFormat }] } },
              { path: new RegExp(`\\.(?:${words})$`, 'i') },
            ],
          },
        ],
      },
      { not: { path: new RegExp(`\\.(?:${words})$`) } },
    ];
    converted.push({ all: conversion });
    // With another name Turbopack looks for rules again, so the type is the matter of the rule for `renamed`.
    const as = `*.upres${extensionFor(format)}`;
    ours.push({ condition: { all: [asks, original, { not: markup }, ...conversion] }, loaders, as });
  }
  const kept = { not: { any: [markup, ...converted] } };
  ours.push({ condition: { all: [asks, original, kept, url] }, loaders, type: 'asset' });
  ours.push({ condition: { all: [asks, original, kept, { not: url }] }, loaders });
  const before = (key: string): unknown[] => (rules[key] === undefined ? [] : [rules[key]].flat());
  return {
    ...rules,
    [images]: [...ours, ...before(images)],
    [renamed]: [{ condition: { all: [asks, url] }, loaders: [], type: 'asset' }, ...before(renamed)],
  };
}

/** Queries that give more than one file: by their own words, or by those of a preset. */
function shapeExpression(options: AssetOptions): RegExp {
  const byPreset = presetExpression(options, ({ as }) => as !== undefined && as !== 'url');
  return new RegExp(`[?&]as=(?:srcset|img|picture|metadata)(?:&|$)|${byPreset.source}`);
}

/** Queries whose preset is one of some; none where there is no such preset. */
function presetExpression(options: AssetOptions, holds: (preset: Directives) => boolean): RegExp {
  const presets = Object.keys(options.presets ?? {}).filter((name) => holds(presetOf(options, name)));
  const names = presets.map((name) => encodeURIComponent(name).replace(/[.*+?^$(){}|[\]\\]/g, '\\$&'));
  return names.length === 0 ? /(?!)/ : new RegExp(`[?&]preset=(?:${names.join('|')})(?:&|$)`);
}

/** Turbopack keeps results between builds, by the options of their loaders: so these change with all that changes results. */
const identity = ({ device }: AssetOptions): string =>
  createHash('sha256').update(engineIdentity(device)).digest('hex').slice(0, 16);
