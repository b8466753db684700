import { afterAll, describe, expect, it } from 'vitest';
import { UpscalerLease } from '#src/asset/shared-upscaler.js';
import { codeOf } from '../support/errors.js';
import { makeSite } from './support/site.js';

const leases: UpscalerLease[] = [];
const lease = (threads?: number): UpscalerLease => {
  const made = new UpscalerLease(threads);
  leases.push(made);
  return made;
};
afterAll(() => Promise.all(leases.map((each) => each.release())));

describe('one upscaler for all build tools of a process', () => {
  it('is the same for all who ask, and lives as long as one of them has it', async () => {
    const [one, other] = [lease(), lease()];
    const upscaler = await one.get();
    expect(await other.get()).toBe(upscaler);
    expect(await one.get()).toBe(upscaler);
    await one.release();
    await one.release();
    const picture = await makeSite().picture('a.png', 6, 6);
    expect(await upscaler.upscale(picture, { model: 'art' })).toMatchObject({ width: 12 });
    await other.release();
    expect(await codeOf(upscaler.upscale(picture))).toBe('DISPOSED');
  });

  it('is made anew for whoever comes after the last one', async () => {
    const one = lease();
    const before = await one.get();
    await one.release();
    expect(await one.get()).not.toBe(before);
  });

  it('giving back what was never asked for takes nothing from others', async () => {
    const [one, idle] = [lease(), lease()];
    const upscaler = await one.get();
    await idle.release();
    expect(await lease().get()).toBe(upscaler);
  });

  it('is another one for another number of threads', async () => {
    expect(await lease(1).get()).not.toBe(await lease(2).get());
  });
});
