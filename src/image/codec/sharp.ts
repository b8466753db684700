import { messageOf, UpresError } from '../../errors.js';
import type { Sharp, SharpInput, SharpOptions } from 'sharp';

type SharpModule = (input?: SharpInput | SharpInput[], options?: SharpOptions) => Sharp;

let loading: Promise<SharpModule> | undefined;

/**
 * sharp, loaded when the first picture is opened: a build in which nothing is to be done never pays for it.
 *
 * One thread for each picture and no cache of operations: pictures run side by side already, and what is cached of one of
 * them would never be used again. Both settings hold for every user of this copy of sharp in the process.
 *
 * @throws UNSUPPORTED_PLATFORM where its binary is not installed or can't be loaded
 */
export function loadSharp(): Promise<SharpModule> {
  loading ??= import('sharp').then(
    ({ default: sharp }) => {
      sharp.concurrency(1);
      sharp.cache(false);
      return sharp;
    },
    (cause: unknown) => {
      loading = undefined;
      // sharp's own words say what is missing here, and how to install it.
      throw new UpresError('UNSUPPORTED_PLATFORM', messageOf(cause), { cause });
    },
  );
  return loading;
}
