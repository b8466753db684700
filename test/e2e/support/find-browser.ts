import { existsSync } from 'node:fs';

/** Where Chromium and its kin usually are. */
const usualPaths = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
  '/usr/bin/microsoft-edge',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
];

/**
 * The browser of this machine; the variable `CHROMIUM_PATH` names one that has to be there.
 * @returns undefined where there is none
 * @throws Error when `CHROMIUM_PATH` leads nowhere, so that no one who asks for these tests goes without them
 */
export function findBrowser(): string | undefined {
  const { CHROMIUM_PATH: named } = process.env;
  if (named === undefined || named === '') return usualPaths.find((path) => existsSync(path));
  if (existsSync(named)) return named;
  throw new Error(`CHROMIUM_PATH is ${named}, but there is no such file`);
}
