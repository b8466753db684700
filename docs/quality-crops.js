// Makes the picture of docs/quality.md: drawings, screenshots, photographs and pixel art, doubled in several ways next to their true
// doubles.
import { fileURLToPath } from 'node:url';
import { pairs, writePairs } from '../examples/pairs.js';
import { cropPairs } from './crop-pairs.js';

await writePairs(
  fileURLToPath(new URL('quality-crops.png', import.meta.url)),
  ['bicubic', 'natural', 'art', 'anime', 'auto'],
  [...(await pairs()), ...(await cropPairs())],
);
