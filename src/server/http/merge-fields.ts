import { Problem } from './problem.js';

/**
 * The directives of a request: those of its query and those of its form, each of which may be given once.
 * @throws Problem BAD_ARGUMENT
 */
export function mergeFields(query: object, fields: Readonly<Record<string, string>>): Record<string, unknown> {
  for (const name of Object.keys(fields)) {
    if (Object.hasOwn(query, name)) throw new Problem(422, 'BAD_ARGUMENT', `the directive "${name}" is given twice`);
  }
  return { ...query, ...fields };
}
