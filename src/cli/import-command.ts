import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { exitCodes, UpresError } from '../errors.js';
import type { ImportFacts } from './import-model.js';
import { print } from './streams.js';
import { UsageError } from './usage-error.js';
import { count } from './words.js';

interface ImportOptions {
  readonly out?: string;
  readonly overwrite?: boolean;
  readonly json?: boolean;
}

/** `upres import <file>`: makes an ONNX file, with its card, of a network in another format. */
export function addImportCommand(program: Command, act: (action: () => Promise<number>) => Promise<void>): void {
  program
    .command('import')
    .description("convert a network to ONNX: ncnn's .param, TensorFlow.js's model.json, .rsr")
    .argument('<file>', 'the file; what belongs to it is found next to it')
    .option('-o, --out <file>', 'the ONNX file (default: next to it, with its name)')
    .option('--overwrite', 'also replace files that upres did not write')
    .option('--json', 'print what was found as JSON')
    .action(async (file: string, options: ImportOptions) => {
      await act(() => importFile(file, options));
    });
}

async function importFile(file: string, { out, overwrite = false, json = false }: ImportOptions): Promise<number> {
  const stats = await stat(file).catch(() => undefined);
  if (!stats?.isFile()) throw new UsageError(`${file}: there is no such file`, 'MODEL_NOT_FOUND');
  const output = out ?? path.join(path.dirname(file), `${path.basename(file, path.extname(file))}.onnx`);
  if (!output.toLowerCase().endsWith('.onnx')) throw new UsageError(`--out ${output}: the file must end in .onnx`);
  if (path.resolve(output) === path.resolve(file)) {
    throw new UsageError(`${file} is ONNX already. To have a copy with a card, name it with --out`);
  }
  const { convertFile, writeConverted } = await import('./import-model.js');
  try {
    const converted = await convertFile(file, path.basename(output));
    const cardPath = await freeCardPath(file, output, converted.previous);
    await writeConverted(converted, { output, cardPath, overwrite });
    tell(json, output, cardPath, converted.facts);
    return exitCodes.ok;
  } catch (error) {
    if (!(error instanceof UpresError)) throw error;
    if (json) print(JSON.stringify({ input: file, error: { code: error.code, message: error.message } }));
    else process.stderr.write(`error: ${error.message}\n`);
    return exitCodes.someFailed;
  }
}

/**
 * `model.json` next to the ONNX file, or `<name>.card.json` where that name is taken: by a TensorFlow.js model, or by the card of
 * another network.
 */
async function freeCardPath(file: string, output: string, isOurs: (text: string) => boolean): Promise<string> {
  const shared = path.join(path.dirname(output), 'model.json');
  const own = path.join(path.dirname(output), `${path.basename(output, path.extname(output))}.card.json`);
  if (path.resolve(shared) === path.resolve(file)) return own;
  const text = await readFile(shared, 'utf8').catch(() => undefined);
  return text === undefined || isOurs(text) ? shared : own;
}

function tell(json: boolean, output: string, card: string, facts: ImportFacts): void {
  if (json) {
    print(JSON.stringify({ output, card, ...facts }));
    return;
  }
  const { receptiveRadius, globalOperators } = facts;
  const seen =
    globalOperators.length > 0
      ? `the whole picture, through ${globalOperators.join(', ')}`
      : `${count(receptiveRadius ?? 0, 'pixel')} around each`;
  print(`${output} and ${path.basename(card)}: from ${facts.format}`);
  print(`  scale        ${facts.scale === undefined ? 'unknown until it runs' : `×${facts.scale}`}`);
  print(`  channels     ${facts.channels === 3 ? '3 (RGB)' : '1 (luma)'}, values 0..${facts.range}`);
  print(`  parameters   ${facts.parameters.toLocaleString('en')}`);
  print(`  sees         ${seen}`);
  for (const note of facts.notes) print(`  note         ${note}`);
}
