#!/usr/bin/env node
import { join } from 'node:path';
import { defaultCacheFolder } from '../network/weights/cache-folder.js';
import { cacheCompiled } from './compile-cache.js';

// The runtime reports usage over the network unless it finds this before its binary is loaded, by whatever way.
process.env.ORT_DISABLE_TELEMETRY = '1';

// Next to the prepared networks: each takes longer to read than to use.
cacheCompiled(join(defaultCacheFolder(), 'code'), import.meta.dirname);

/**
 * What needs more than upscaling does. In the package this file is joined with all that one picture needs (`plugins/command.js`), and
 * these run from the modules as they are. A picture that is called so is upscaled all the same.
 */
const others = /^(?:serve|worker|queue|html|import|--queue(?:=.*)?)$/s;

// Loaded after the line above, and the heavy parts only when they are needed: `upres --help` is quick.
(process.argv.some((argument) => others.test(argument)) ? import('#src/cli/program.js') : import('./program.js'))
  .then(({ runCommand }) => runCommand(process.argv))
  .then(
    (code) => {
      // Never process.exit(): it would abort the process if a network still computed.
      process.exitCode = code;
    },
    (error: unknown) => {
      process.exitCode = 1;
      console.error('upres met an error of its own; please report it with what follows:');
      console.error(error);
    },
  );
