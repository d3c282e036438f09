#!/usr/bin/env node
// The shim: the process in, the exit status out. Nothing else touches `process`.

// argv is copied first: setting the title overwrites what `ps` shows of it, and a URL there may hold a password.
const argv = process.argv.slice(2);
process.title = 'session-cleanup';
// Whatever ends this process without main's word, ends it as a failure.
process.exitCode = 1;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

// Before anything else: a signal that came while main is loaded is kept for it, and none ends the process without a line.
let stoppedBy;
let stop = () => {};
for (const signal of SIGNALS) {
  process.on(signal, () => {
    stoppedBy ??= signal;
    stop(stoppedBy);
  });
}

// Libraries log to these streams, and take more from the environment than main gives them: with DEBUG they would print
// session IDs, with PGOPTIONS the run would have other settings than it says. Main alone writes, to outputs of its own.
const { fstatSync } = require('node:fs');
const { Writable } = require('node:stream');
const outputs = [1, 2].map((fd) => {
  const name = fd === 1 ? 'stdout' : 'stderr';
  const { get: stream } = Object.getOwnPropertyDescriptor(process, name);
  Object.defineProperty(process, name, { value: new Writable({ write: (_bytes, _encoding, done) => done() }) });
  // What tells a terminal takes milliseconds to load, and most runs have a pipe or a file.
  return { fd, isTTY: fstatSync(fd).isCharacterDevice() && require('node:tty').isatty(fd), stream };
});
for (const name of Object.keys(process.env)) {
  if (/^(DEBUG|NODE_DEBUG|NODE_PG_FORCE_NATIVE|PG.*)$/.test(name)) delete process.env[name];
}
process.removeAllListeners('warning');
// Read-only where an option of Node says otherwise.
Object.defineProperty(process, 'noDeprecation', { value: true });

const { load, keep } = require('./load.js');
const { main, openOutput } = load('./main.cjs');
const { version } = require('../package.json');
const [stdout, stderr] = outputs.map(openOutput);

main({
  argv,
  env: process.env,
  get stdin() {
    return process.stdin;
  },
  stdout,
  stderr,
  version,
  place: {
    node: process.execPath,
    command: __filename,
    get cwd() {
      return process.cwd();
    },
  },
  now: () => new Date(),
  onSignal(listener) {
    stop = listener;
    if (stoppedBy !== undefined) listener(stoppedBy);
  },
}).then((status) => {
  process.exitCode = status;
  process.once('beforeExit', () => process.exit(status));
  const kept = status === 0 && argv[0] === 'run' ? keep() : Promise.resolve();
  // Main has written its line. A socket to a frozen server, or a disk that stalls, is not waited for.
  setTimeout(leave, 5_000, status).unref();
  kept.then(() => setTimeout(leave, 100, status).unref());
});

// A thread that waits for a disk keeps process.exit waiting. Another program in the place of this one leaves it behind;
// before Node 22.15 there is no such call, and a second signal ends the process without it.
function leave(status) {
  process.execve?.(process.execPath, [process.execPath, '-e', `process.exitCode = ${status}`], {});
  for (const signal of SIGNALS) process.removeAllListeners(signal);
  process.exit(status);
}
