import { failureOf, UpresError } from '../errors.js';
import { isAborted } from '../abort.js';
import { choice } from '../schema.js';

/** What takes the place of a picture that can't be upscaled: nothing (`fail`), its own bytes, or a resize without a network. */
export const onErrorChoices = ['fail', 'original', 'resize'] as const;
export type OnError = (typeof onErrorChoices)[number];
export const onErrorChoice = choice(onErrorChoices);

/**
 * Errors that every picture would meet in the same way: a network that is damaged or missing, a machine that can't compute. They
 * say nothing of the picture, so nothing takes its place, whatever the option: a whole site of small pictures is no build.
 */
export const concernsAll = ({ code }: UpresError): boolean => failureOf(code).endsRun !== undefined;

/**
 * What takes a picture's place after an error.
 * @param resize makes the picture without a network
 * @param original gives it as it is
 * @throws the error itself where nothing may stand in: for `fail`, for what concerns all pictures, for what was given up, and
 *   where the picture can't even be resized, since other sizes than those that were asked for would be of no use
 */
export async function standIn<T>(
  error: unknown,
  option: OnError,
  { resize, original }: { readonly resize: () => Promise<T>; readonly original: () => Promise<T> },
): Promise<{ readonly kind: Exclude<OnError, 'fail'>; readonly made: T; readonly error: UpresError }> {
  if (!(error instanceof UpresError) || isAborted(error) || option === 'fail' || concernsAll(error)) throw error;
  if (option === 'original') return { kind: option, made: await original(), error };
  const made = await resize().catch((failure: unknown) => {
    throw isAborted(failure) ? failure : error;
  });
  return { kind: option, made, error };
}
