import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import sharp from 'sharp';
import type { Fixture } from './fixture.js';
import { mark, type Look, type Seen } from './look.js';

/** The files of a built site in which a mark was left, whether a page asks for them or not. */
export async function markedFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && /\.(?:[cm]?js|css|html?|json|svg|txt|xml)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !file.includes('node_modules'));
  const marked: string[] = [];
  for (const file of files) {
    if ((await readFile(file, 'utf8')).includes(mark)) marked.push(`${relative(folder, file)} has a mark in it`);
  }
  return marked;
}

/** What a server that shows no page finds: the files that a manifest names by the words of their author. */
export async function lookAtManifest(folder: string, manifest: NonNullable<Fixture['manifest']>): Promise<Look> {
  const entries = JSON.parse(await readFile(join(folder, manifest.file), 'utf8')) as Record<string, { file: string }>;
  const seen: Seen[] = [];
  for (const [key, wants] of Object.entries(manifest.keys)) {
    const file = entries[key]?.file;
    const url = file ?? `there are ${Object.keys(entries).join(', ')}`;
    seen.push({ place: key, wants, url, has: file === undefined ? 'no such key' : await sizeOf(join(folder, file)) });
  }
  return { seen, problems: [] };
}

async function sizeOf(file: string): Promise<string> {
  const { width, height } = await sharp(file).metadata();
  return `${width}x${height}`;
}
