// The program under test, as the scripts beside this one call it: DEEPTHIN says where it is.
import {execFileSync} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

const program = process.env.DEEPTHIN;

export function deepthin(...args) {
  return execFileSync(program, args, {encoding: 'utf8', maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'pipe']});
}

// Calls f(folder), with a folder that is removed afterwards.
export async function inFolder(f) {
  const folder = mkdtempSync(join(tmpdir(), 'deepthin-peer-'));
  try {
    await f(folder);
  } finally {
    rmSync(folder, {recursive: true});
  }
}

export function expect(holds, what) {
  if (holds) return;
  console.error(`FAILED: ${what}`);
  process.exitCode = 1;
}
