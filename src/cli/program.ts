import { Command, CommanderError, Option } from 'commander';
import { version } from '../version.js';
import { addCacheCommand } from './cache-command.js';
import { addHtmlCommand } from './html-command.js';
import { addModelsCommand } from './models/models-command.js';
import { addImportCommand } from './import-command.js';
import { parseOptions, type RawOptions } from './options.js';
import { addQueueCommand } from './queue-command.js';
import { addServeCommand } from './serve-command.js';
import { tolerateClosedReaders } from './streams.js';
import { addWorkerCommand } from './worker-command.js';
import { UsageError } from './usage-error.js';
import { exitCodes, failureOf, UpresError } from '../errors.js';

const examples = `
Examples:
  upres photo.png                          photo@2x.png next to it
  upres -x 4 -f webp photo.jpg             photo@4x.webp
  upres --min-width 1600 assets -o out     every picture below assets, at least 1600 pixels wide, into out
  upres -m art 'icons/**/*.png'            drawings, logos, text
  upres a.png -o big.avif -q 60            that very file
  upres - -f webp < a.png > a.webp         from standard input to standard output
  upres --json assets > report.jsonl       one line of JSON for each picture

A folder or file called "models", "import", "doctor", "cache", "html", "serve", "worker" or "queue" is reached as ./models and so on.
Exit codes: 0 all is well, 1 some files failed (the others are written), 2 wrong usage, 130 interrupted.`;

type Act = (action: () => Promise<number>) => Promise<void>;

/** What the command does besides upscaling, in the order of its help. */
const others: Readonly<Record<string, (program: Command, act: Act) => void>> = {
  models: addModelsCommand,
  doctor: addDoctorCommand,
  import: addImportCommand,
  cache: addCacheCommand,
  serve: addServeCommand,
  worker: addWorkerCommand,
  queue: addQueueCommand,
  html: addHtmlCommand,
};

function build(argv: readonly string[], act: Act): Command {
  const program = new Command('upres')
    .description('Upscales images with neural networks, on all cores.')
    .argument('[inputs...]', 'files, folders (with everything below them), quoted patterns, or - for standard input')
    .option(
      '-o, --out <path>',
      'folder for the outputs, or the output of a single file, - for standard output (default: next to each input)',
    )
    .option('-x, --upscale <factor>', 'times the source in both directions: any number over 1, up to 8 (default: 2)')
    .option('--width <pixels>', 'exactly this wide, reducing where needed')
    .option('--height <pixels>', 'exactly this high; with --width, the shape may change')
    .option('--min-width <pixels>', 'this wide, or the source as it is where that is wider')
    .option(
      '-m, --model <label|path>',
      'see "upres models", or the path of a network of your own (default: auto, whichever suits the image)',
    )
    .option(
      '-f, --format <formats>',
      "png, jpeg, webp, avif, gif or tiff, several with commas (default: each input's own)",
    )
    .option('-q, --quality <1-100>', 'for JPEG, WebP and AVIF (default: 85, 82 and 60)')
    .option('--lossless', 'WebP and AVIF without loss (default: as each input)')
    .option('--animation <what>', 'keep makes it an error where one would become a still; first-frame makes stills')
    .option('-t, --threads <n>', 'cores to use (default: all)')
    .option(
      '--device <name>',
      'cpu, wasm, auto for the fastest that works, webgpu, cuda, dml or coreml (default: cpu, or wasm where there is no native code)',
    )
    .option(
      '--on-error <what>',
      "what becomes of a file that can't be upscaled: fail, original or resize (default: fail)",
    )
    .option('--dry-run', 'say what would be done, and write nothing')
    .option('--overwrite', 'also replace files that upres did not write')
    .option('--colour <how>', 'srgb converts to sRGB, keep keeps the colour profile (default: srgb)')
    .addOption(new Option('--color <how>').hideHelp())
    .option('--alpha <how>', 'how transparency is enlarged: network or bicubic (default: network)')
    .option('--max-input-pixels <n>', 'refuse larger images, such as 100M (default: 100M)')
    .option('--max-output-pixels <n>', 'refuse to make larger images (default: 400M)')
    .option('--max-frames <n>', 'refuse longer animations (default: 1000)')
    .option('--accept-approximation', 'let a network of your own that looks at the whole picture compute it in tiles')
    .option('--memory-budget <bytes>', 'for each thread of a network of your own, such as 1Gi (default: 256Mi)')
    .option('--cache <folder>', 'where results are cached (default: see "upres cache stats")')
    .option('--no-cache', 'compute everything, keep nothing')
    .option('--remote-cache <url>', 'look for results there, too (default: UPRES_REMOTE_CACHE)')
    .option('--remote-cache-mode <mode>', 'read, or read-write to upload what was computed (default: read)')
    .option('--queue <url>', 'have the workers of a farm compute: its Redis or Valkey, as in redis://host:6379/0')
    .option('--storage <place>', 'with --queue: s3://bucket/prefix, or a folder that all machines share')
    .option('--json', 'one line of JSON on standard output for each image')
    .option('--quiet', 'errors only')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .helpCommand(false)
    .addHelpText('after', examples)
    .showHelpAfterError('Run "upres --help" for every flag.')
    .enablePositionalOptions()
    .exitOverride()
    .action(async (inputs: string[], raw: RawOptions) => {
      await act(async () => {
        if (inputs.length === 0) throw new UsageError('name at least one image, folder or pattern');
        const options = parseOptions(raw);
        const { run } = await import('./run.js');
        return run(inputs, options);
      });
    });
  if (mayNeedOthers(argv)) for (const add of Object.values(others)) add(program, act);
  return program;
}

function addDoctorCommand(program: Command, act: Act): void {
  program
    .command('doctor')
    .description('print what upres finds on this machine, and how fast it is')
    .option('--json', 'as JSON')
    .action(async ({ json = false }: { json?: boolean }) => {
      await act(async () => {
        const { doctor } = await import('./doctor.js');
        return doctor({ json });
      });
    });
}

/** Whether a command other than upscaling may be meant, or is to be told of: there are many, and putting them together takes time. */
function mayNeedOthers(argv: readonly string[]): boolean {
  return argv.some((argument) => Object.hasOwn(others, argument) || /^-(?:\w*h|-help$)/.test(argument));
}

/**
 * Runs the command.
 * @param argv as in `process.argv`
 * @returns the exit code, once everything has ended
 */
export async function runCommand(argv: readonly string[]): Promise<number> {
  tolerateClosedReaders();
  let exitCode: number = exitCodes.ok;
  try {
    await build(argv, async (action) => {
      exitCode = await action();
    }).parseAsync(argv);
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (error instanceof UsageError) {
      process.stderr.write(`error: ${error.message}\nRun "upres --help" for every flag.\n`);
      return exitCodes.usage;
    }
    // Nothing is wrong with the command line: the same one may do later, as when a supervisor starts it again.
    if (error instanceof UpresError && failureOf(error.code).passes) {
      process.stderr.write(`error: ${error.message}\n`);
      return exitCodes.someFailed;
    }
    throw error;
  }
}
