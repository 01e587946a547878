// A real browser: Chromium as the system has it, without a window. HOURGLASS_BROWSER names another one.
import { execFileSync } from 'node:child_process';
import { chromium } from 'playwright-core';

const names = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'];

function find() {
  if (process.env.HOURGLASS_BROWSER) return process.env.HOURGLASS_BROWSER;
  for (const name of names) {
    try {
      return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
    } catch { /* the next */ }
  }
  throw new Error(`there is no browser (${names.join(', ')}): run deploy/install tests`);
}

/// Without its sandbox where we are root, which it refuses otherwise: what it is shown comes from this machine.
export const launch = () => chromium.launch({ executablePath: find(), args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
