import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { exitCodes, hasCode, UpresError } from '../../errors.js';
import { autoModel } from '../../image/auto/auto-model.js';
import { CHANNEL_ORDERS, channelOrder, valueRange, type DescribedModel } from '../../model/catalogue/colours.js';
import { builtinLabels } from '../../model/catalogue/registry.js';
import { mistakeIn } from '../../schema.js';
import { suggestion } from '../../suggest.js';
import { print } from '../streams.js';
import { UsageError } from '../usage-error.js';
import { isName, type AddedModel } from './added-models.js';

interface AddFlags {
  readonly name: string;
  readonly range?: string;
  readonly order?: string;
  readonly sample?: string;
  readonly overwrite?: boolean;
  readonly json?: boolean;
}

type Act = (action: () => Promise<number>) => Promise<void>;

/** `upres models`: what `--model` takes, and networks of the user's own under names. */
export function addModelsCommand(program: Command, act: Act): void {
  const list = async ({ json = false }: { json?: boolean }): Promise<number> => {
    const { listModels } = await import('./list-models.js');
    await listModels({ json: json || (models.opts<{ json?: boolean }>().json ?? false) });
    return exitCodes.ok;
  };
  const models = program
    .command('models')
    .description('list the networks that are there, or add one of your own')
    .usage('[options] [command]')
    // Only what is no command of its own comes here.
    .argument('[unknown...]')
    .option('--json', 'one line of JSON for each')
    .action(async ([unknown]: string[], flags: { json?: boolean }) => {
      const names = models.commands.map((each) => each.name());
      await act(() => {
        if (unknown === undefined) return list(flags);
        throw new UsageError(`models takes ${names.join(', ')}, not "${unknown}".${suggestion(unknown, names)}`);
      });
    });
  models
    .command('list')
    .description('the same')
    .option('--json', 'one line of JSON for each')
    .action(async (flags: { json?: boolean }) => {
      await act(() => list(flags));
    });
  models
    .command('add')
    .description('try a network of your own, and keep it under a name that --model takes')
    .argument(
      '<file>',
      'ONNX, a checkpoint (.pth, .safetensors), .param, model.json or .rsr; what belongs to it is found next to it',
    )
    .requiredOption('--name <name>', 'letters, digits, - and _')
    .option('--range <black,white>', 'what its numbers are: 0,1 or 0,255 or -1,1 (default: found out)')
    .option('--order <order>', `what its channels are: ${CHANNEL_ORDERS.join(', ')} (default: found out)`)
    .option('--sample <image>', 'a picture to show it with (default: a drawn one)')
    .option('--overwrite', 'replace the one that has the name')
    .option('--json', 'print what was found as JSON')
    .action(async (file: string, flags: AddFlags) => {
      const json = flags.json ?? models.opts<{ json?: boolean }>().json ?? false;
      await act(() => add(file, flags, json));
    });
  models
    .command('remove')
    .description('forget a network that was added')
    .argument('<name>')
    .action(async (name: string) => {
      await act(async () => {
        const { removeModel } = await import('./add-model.js');
        if (await removeModel(name)) return exitCodes.ok;
        throw new UsageError(`no network was added as ${name}`, 'MODEL_NOT_FOUND');
      });
    });
}

async function add(file: string, flags: AddFlags, json: boolean): Promise<number> {
  const { name, sample, overwrite = false } = flags;
  if (!isName(name)) throw new UsageError(`--name ${name}: a name has letters, digits, - and _, 64 at most`);
  if (name === autoModel || builtinLabels().some(({ label }) => label === name)) {
    throw new UsageError(`--name ${name}: that is the label of a built-in network; choose another`);
  }
  const stats = await stat(file).catch(() => undefined);
  if (!stats?.isFile()) throw new UsageError(`${file}: there is no such file`, 'MODEL_NOT_FOUND');
  const model = { file: path.resolve(file), ...coloursFrom(flags) };
  const { addModel } = await import('./add-model.js');
  try {
    const added = await addModel({ name, model, sample, overwrite });
    if (json) print(JSON.stringify(added));
    else for (const line of factsText(added)) print(line);
    return exitCodes.ok;
  } catch (error) {
    if (!(error instanceof UpresError)) throw error;
    if (hasCode(error, 'BAD_ARGUMENT')) throw new UsageError(error.message);
    if (json) print(JSON.stringify({ input: file, error: { code: error.code, message: error.message } }));
    else process.stderr.write(`error: ${error.message} [${error.code}]\n`);
    return exitCodes.someFailed;
  }
}

function coloursFrom({ range, order }: AddFlags): Pick<DescribedModel, 'range' | 'order'> {
  const values = range?.split(',').map(Number);
  const known = CHANNEL_ORDERS.find((one) => one.toLowerCase() === order?.toLowerCase()) ?? order;
  for (const [flag, schema, value] of [
    ['--range', valueRange, values],
    ['--order', channelOrder, known],
  ] as const) {
    const mistake = value === undefined ? undefined : mistakeIn(schema, value, flag);
    if (mistake !== undefined) throw new UsageError(mistake);
  }
  return {
    ...(values && { range: values as unknown as NonNullable<DescribedModel['range']> }),
    ...(known !== undefined && { order: known as NonNullable<DescribedModel['order']> }),
  };
}

/** What was found out, in lines for people. */
function factsText(model: AddedModel): string[] {
  const { name, scale, parameters, range, order, halo, passes, approximate, approximateBy, changes } = model;
  const megapixels = (model.pixelsPerSecond / 1e6).toPrecision(2);
  const near =
    approximate === undefined
      ? ''
      : `, approximate by ${approximateBy === undefined ? 'an unknown amount' : `${approximateBy} of 255 levels at most`}`;
  const sees = halo === null ? 'the whole picture' : `${halo} pixels around each${near}`;
  const shift = changes.shift.map((levels) => (levels > 0 ? `+${levels}` : String(levels))).join(', ');
  return [
    `${name}: ×${scale}, ${parameters.toLocaleString('en')} parameters; --model ${name} takes it`,
    `  colours   ${order}, ${range.join(' to ')}`,
    `  speed     ${megapixels} million pixels a second on one core`,
    `  sees      ${sees}${passes > 1 ? `, in ${passes} passes` : ''}`,
    `  memory    ${(model.bytesPerPixel / 1000).toPrecision(3)} kB for each pixel of a tile`,
    `  changes   ${changes.likeness} dB from the picture when reduced to its size; red, green, blue by ${shift} levels`,
    ...model.notes.map((note) => `  note      ${note}`),
    `  file      ${model.file}`,
    `  sheet     ${model.sheet}`,
  ];
}
