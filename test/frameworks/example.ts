import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { Upscaler } from 'upres';
import type { Project } from './project.js';

/** How far the mean of a blurred likeness may be from its picture's, in levels of 255: Turbopack makes it, and transparency darkens it. */
const mostApart = 20;

/**
 * Whether a page has the files that upres makes, byte for byte, under names that no other bytes have, and the likeness that is shown until
 * a picture is there. @returns what is wrong
 */
export async function lookAtExample(project: Project, page: string): Promise<string[]> {
  const { delivers = [], blurred = [] } = project.fixture;
  if (delivers.length + blurred.length === 0) return [];
  const html = await (await fetch(page)).text();
  const problems: string[] = [];
  const found = await filesOf(html, page);
  const upscaler = new Upscaler();
  for (const { source, upscale } of delivers) {
    const bytes = await readFile(project.file(source));
    const made = upscale === 1 ? bytes : (await upscaler.upscale(bytes, { upscale })).data;
    const urls = found.get(hashOf(made)) ?? new Set();
    if (urls.size !== 1) problems.push(`${source} at ${upscale}x has ${urls.size} URLs: ${[...urls].join(', ')}`);
  }
  await upscaler.dispose();
  const likenesses = [...html.matchAll(/data:image\/(?:png|jpeg|webp);base64,([A-Za-z0-9+/=]+)/g)].map(([, data]) =>
    Buffer.from(data!, 'base64'),
  );
  for (const source of blurred) {
    const mean = await meanOf(project.file(source));
    const means = await Promise.all(likenesses.map(meanOf));
    const isThere = means.some((each) => each.every((level, at) => Math.abs(level - mean[at]!) <= mostApart));
    if (!isThere) problems.push(`none of ${likenesses.length} blurred pictures looks like ${source}`);
  }
  return problems;
}

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The URLs of the pictures that a page and its style sheets name, by their bytes. */
async function filesOf(html: string, page: string): Promise<Map<string, Set<string>>> {
  const sheets = [...html.matchAll(/href="([^"]+\.css[^"]*)"/g)].map(([, href]) => new URL(href!, page).href);
  const styles = await Promise.all(sheets.map(async (sheet) => [sheet, await (await fetch(sheet)).text()] as const));
  const urls = new Set<string>();
  for (const [base, text] of [[page, html] as const, ...styles]) {
    for (const [, encoded] of text.matchAll(/_next\/image\?url=([^&"]+)/g))
      urls.add(new URL(decodeURIComponent(encoded!), base).href);
    for (const [url] of text.matchAll(/[^\s"'(),\\]+\.(?:png|jpg)/g))
      if (!url.includes('%')) urls.add(new URL(url, base).href);
  }
  const found = new Map<string, Set<string>>();
  for (const url of urls) {
    const response = await fetch(url);
    if (!response.ok) continue;
    const hash = hashOf(new Uint8Array(await response.arrayBuffer()));
    found.set(hash, (found.get(hash) ?? new Set()).add(url));
  }
  return found;
}

/** Of red, green and blue, over white. */
async function meanOf(picture: string | Buffer): Promise<number[]> {
  const flat = sharp(picture).flatten({ background: 'white' }).toColourspace('srgb').removeAlpha();
  const { channels } = await sharp(await flat.png().toBuffer()).stats();
  return channels.map(({ mean }) => mean);
}
