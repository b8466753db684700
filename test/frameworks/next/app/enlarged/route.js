import { readFile } from 'node:fs/promises';
import { Upscaler } from 'upres';

const upscaler = new Upscaler();

export const dynamic = 'force-dynamic';

export async function GET() {
  const { data } = await upscaler.upscale(await readFile('images/photo.png'), { upscale: 2, model: 'art' });
  return new Response(data, { headers: { 'Content-Type': 'image/png' } });
}
