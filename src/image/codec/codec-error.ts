import { messageOf, UpresError } from '../../errors.js';
import { formatTraits, type OutputFormat } from './formats.js';

/** What a decoder complained about, as an error of ours. */
export function codecError(error: unknown, format: OutputFormat, file: string | undefined): UpresError {
  if (error instanceof UpresError) return error;
  const reason = firstReason(error);
  const { display } = formatTraits[format];
  const message = `the ${display} is damaged or cut short${reason === '' ? '' : ` (${reason})`}: get a fresh copy of it`;
  return new UpresError('INPUT_CORRUPT', message, { file, cause: error });
}

/** libvips stacks its messages line upon line, some of them about its own inner doings. */
function firstReason(error: unknown): string {
  const lines = messageOf(error)
    .split('\n')
    .map((line) => line.trim());
  const prefix = /^Input (buffer|file) has corrupt header:\s*/;
  return (
    lines.map((line) => line.replace(prefix, '')).find((line) => line !== '' && !line.startsWith('source: ')) ?? ''
  );
}
