import { asError, UpresError } from '#upres/errors.js';
import PluginError from 'plugin-error';

export const pluginName = 'upres';

/** Does something, and turns what it throws into the error that Gulp prints, with the file's name. */
export function asPluginError<T>(fileName: string | undefined, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw pluginError(error, fileName);
  }
}

export function pluginError(error: unknown, fileName: string | undefined): PluginError {
  if (error instanceof PluginError) return error as PluginError;
  const cause = asError(error);
  const options = fileName === undefined ? {} : { fileName };
  // An error that we know says all there is to say; of any other the stack is wanted.
  return new PluginError(pluginName, cause, {
    ...options,
    showStack: !(error instanceof UpresError),
    showProperties: true,
  });
}
