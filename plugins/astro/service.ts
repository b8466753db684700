import sharpService from 'astro/assets/services/sharp';
import { enlarge } from 'upres/astro/enlarge';
import { enlarging } from './enlarging.js';

declare global {
  interface ImportMeta {
    /** What Vite puts here: see `entrypoint`. It has to be written out where it is read. */
    readonly env: { readonly DEV: boolean };
  }
}

/** Astro has this while it builds pages. */
const isBuilding = (): boolean =>
  (globalThis as { astroAsset?: { addStaticImage?: unknown } }).astroAsset?.addStaticImage !== undefined;

export default enlarging(sharpService, { enlarge, isOnDemand: () => !import.meta.env.DEV && !isBuilding() });
