import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { QualityCase } from './quality-case.js';
import { pngOf, type RgbaImage } from './quality-data.js';
import type { ReadCode } from './quality-measure.js';

const scale = 2;
/** Clear modules round a code, as the standard (ISO/IEC 18004) asks for. */
const quiet = 4;
const texts = [
  'https://example.com/',
  'https://shop.example.com/t-shirt?colour=blue&size=42',
  'WIFI:T:WPA;S=Guests;P=correct horse battery staple;;',
  'BEGIN:VCARD\nVERSION:3.0\nN:Lovelace;Ada\nTEL:+441234567890\nEMAIL:ada@example.com\nEND:VCARD',
  'tel:+4930123456',
  'otpauth://totp/Example:ada@example.com?secret=JBSWY3DPEHPK3PXP&issuer=Example',
] as const;

interface QrCode {
  readonly create: (text: string) => { modules: { size: number; get: (row: number, column: number) => number } };
}
type JsQr = (data: Uint8ClampedArray, width: number, height: number) => { data: string } | null;

/** QR codes with modules of 1 to 4 pixels; the large one has modules twice as large. */
export async function codes(place: (name: string) => string, limit: number): Promise<QualityCase[]> {
  const qrcode = load(place, 'qrcode') as QrCode;
  const cases: QualityCase[] = [];
  for (const side of [1, 2, 3, 4]) {
    for (const text of texts.slice(0, limit)) {
      const { modules } = qrcode.create(text);
      cases.push({
        group: 'codes',
        row: `QR codes, modules of ${side} px`,
        name: text.slice(0, 24).split('\n')[0]!,
        scale,
        file: await pngOf(drawn(modules, side)),
        truth: drawn(modules, side * scale),
        compare: 'rgb',
        text,
      });
    }
  }
  return cases;
}

/** A reader of codes. */
export function codeReader(place: (name: string) => string): ReadCode {
  const loaded = load(place, 'jsqr') as JsQr | { default: JsQr };
  const jsQr = typeof loaded === 'function' ? loaded : loaded.default;
  return ({ width, height, data }) => jsQr(Uint8ClampedArray.from(data), width, height)?.data;
}

function drawn(modules: ReturnType<QrCode['create']>['modules'], side: number): RgbaImage {
  const width = (modules.size + 2 * quiet) * side;
  const data = new Uint8Array(width * width * 4).fill(255);
  for (let at = 0; at < width * width; at++) {
    const column = Math.floor((at % width) / side) - quiet;
    const row = Math.floor(Math.floor(at / width) / side) - quiet;
    const inside = row >= 0 && column >= 0 && row < modules.size && column < modules.size;
    if (inside && modules.get(row, column)) data.fill(0, at * 4, at * 4 + 3);
  }
  return { width, height: width, channels: 4, data };
}

/** A CommonJS package from where it was installed. */
function load(place: (name: string) => string, name: string): unknown {
  return createRequire(join(place(name), 'package.json'))(place(name));
}
