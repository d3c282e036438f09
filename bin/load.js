// Loads a file of the bundle as `require` would, with what V8 has compiled of it in an earlier run: compiling is a third
// of what a short run takes. Node's own cache (module.enableCompileCache) leaves out what is compiled when it is called.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');

const BUNDLE = join(__dirname, '../dist/bundle');
// Beside the package's own files: whoever can write there could change the code as well.
const COMPILED = join(__dirname, '../dist/compiled', `${process.version}-${process.arch}`);
// In a longer run V8 throws away what was compiled for its start.
const SHORT_MS = 20_000;

const loaded = new Map();
const scripts = new Map();
let isNew = false;

function load(id) {
  if (!id.startsWith('./')) return require(id);
  const known = loaded.get(id);
  if (known !== undefined) return known.exports;
  const module = { exports: {}, require: load };
  loaded.set(id, module);
  compile(id).runInThisContext().call(module.exports, module.exports, load, module);
  return module.exports;
}

function compile(id) {
  const filename = join(BUNDLE, id);
  const source = readFileSync(filename);
  const cachedData = readKept(id, source);
  const script = new Script(`(function (exports, require, module) {${source}\n})`, { filename, cachedData });
  scripts.set(id, { source, script });
  isNew ||= cachedData === undefined;
  return script;
}

/** V8 compares no more than the length of the source, so the source is kept too. */
function readKept(id, source) {
  if (process.env.NODE_DISABLE_COMPILE_CACHE) return undefined;
  try {
    const kept = readFileSync(join(COMPILED, id));
    return kept.subarray(0, source.length).equals(source) ? kept.subarray(source.length) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Keeps what this process has compiled, where that is a whole run: after what help or a failure needs, a run would compile
 * most of its own again each time. Where a file is new, as that of another engine's driver, the others have more in them
 * than before. Where nothing can be kept, nothing is said. Resolves when that is done.
 */
async function keep() {
  const isRun = loaded.has('./knex.cjs') && performance.now() < SHORT_MS;
  if (!isRun || !isNew || process.env.NODE_DISABLE_COMPILE_CACHE) return;
  const { mkdir } = require('node:fs/promises');
  await mkdir(COMPILED, { recursive: true })
    .then(() => Promise.allSettled([...scripts].map(write)))
    .catch(() => {});
}

/** V8 believes what it reads: one process alone writes the file, which has its name only when it is on the disk. */
async function write([id, { source, script }]) {
  const { open, rename, rm } = require('node:fs/promises');
  const path = join(COMPILED, id);
  const unfinished = `${path}.${Date.now()}-${process.pid}`;
  const file = await open(unfinished, 'wx');
  try {
    await file.writeFile(Buffer.concat([source, script.createCachedData()]));
    await file.sync();
    await rename(unfinished, path);
  } catch {
    await rm(unfinished);
  } finally {
    await file.close();
  }
}

module.exports = { load, keep };
