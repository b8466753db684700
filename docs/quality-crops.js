// Makes the picture of docs/quality.md: an icon, logos, a chart, a photograph and pixel art, doubled in several ways next to their
// true doubles.
import { fileURLToPath } from 'node:url';
import { writePairs } from '../examples/pairs.js';

await writePairs(fileURLToPath(new URL('quality-crops.png', import.meta.url)), [
  'bicubic',
  'natural',
  'art',
  'anime',
  'auto',
]);
