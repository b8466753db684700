import { mistakeIn, type Schema } from '../schema.js';
import { amount, decimal } from './amount.js';
import { UsageError } from './usage-error.js';

/**
 * What a flag's word stands for, by the schema of the option behind it: amounts may have a unit (`100M`, `64Mi`), what is counted
 * has none, and the case of a name does not matter.
 * @param flag as the user writes it, for the error
 * @throws UsageError with what was probably meant
 */
export function flagValue<T>(flag: string, schema: Schema<T>, text: string): T {
  const value = read(schema, text);
  if (mistakeIn(schema, value) === undefined) return value as T;
  throw new UsageError(mistakeIn(schema, text, flag) ?? `${flag} can't be "${text}"`);
}

function read({ type, enum: words }: Schema, text: string): unknown {
  if (type === 'integer') return decimal(text);
  if (type === 'number') return amount(text);
  return words ? text.toLowerCase() : text;
}
