#!/usr/bin/env node
// The shim: the process in, the exit status out. Nothing else touches `process`.

// argv is copied first: setting the title overwrites what `ps` shows of it, and a URL there may hold a password.
const argv = process.argv.slice(2);
process.title = 'session-cleanup';
// Whatever ends this process without main's word, ends it as a failure.
process.exitCode = 1;

const { main } = require('../dist/bundle/main.cjs');
const { version } = require('../package.json');

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

main({
  argv,
  env: process.env,
  get stdin() {
    return process.stdin;
  },
  stdout: process.stdout,
  stderr: process.stderr,
  version,
  place: { node: process.execPath, command: __filename, cwd: process.cwd() },
  now: () => new Date(),
  onSignal(listener) {
    for (const signal of SIGNALS) process.on(signal, listener);
    return () => {
      for (const signal of SIGNALS) process.off(signal, listener);
    };
  },
  // main has flushed its line. What still holds the event loop (a socket to a frozen server) is not waited for.
}).then((status) => process.exit(status));
