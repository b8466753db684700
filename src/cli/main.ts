#!/usr/bin/env node
// The runtime reports usage over the network unless it finds this before its binary is loaded, by whatever way.
process.env.ORT_DISABLE_TELEMETRY = '1';

// Loaded after the line above, and the heavy parts only when they are needed: `upres --help` is quick.
import('./program.js')
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
