import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

function succeeds(program: string, args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Whether this machine lets us mount a small disk, in a namespace of its own where no one else sees it. */
export const canMount = (() => {
  if (process.platform !== 'linux') return false;
  const folder = mkdtempSync(path.join(tmpdir(), 'upres-mount-'));
  try {
    return succeeds('unshare', ['-rm', 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
  } finally {
    rmSync(folder, { recursive: true });
  }
})();

const root = process.getuid?.() === 0;

/** Who runs the child where permissions are tested: they mean nothing to root. */
export const ordinaryUser = root ? { uid: 65534, gid: 65534 } : {};

/** Whether permissions can be tested: as an ordinary user, or as root where such a user can run the command. */
export const canTestPermissions =
  process.platform === 'linux' &&
  (!root ||
    succeeds('setpriv', [
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      process.execPath,
      path.join(import.meta.dirname, '../../../dist/command/upres.cjs'),
      '--version',
    ]));
