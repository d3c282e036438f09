// TLS and passwords on PostgreSQL: whom a run talks to, whom it believes, and how it logs in.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { type Certificate, createAuthority } from '../support/certificates.js';
import { runCommand } from '../support/command.js';
import { type Database, engineAt } from '../support/databases.js';
import { failureLine, successLine } from '../support/lines.js';
import { createFolderOfServer, handToServer } from '../support/postgres-account.js';
import { startPrivatePostgresql } from '../support/postgres-servers.js';
import { startProxy } from '../support/proxy.js';
import type { PrivateServer } from '../support/server-process.js';
import {
  createSessions,
  FOREVER_MS,
  remaining,
  slowDeletes,
  start,
  until,
  untilDeleting,
} from '../support/sessions.js';

const ROWS = { expired: ['a'], live: ['z'] };

/** Who may come in, and how. The superuser may without TLS: the test is told by that when the server is up. */
const HBA = `
host    all postgres    127.0.0.1/32 scram-sha-256
hostssl all only_tls    127.0.0.1/32 scram-sha-256
hostssl all certified   127.0.0.1/32 scram-sha-256 clientcert=verify-ca
hostnossl all only_plain 127.0.0.1/32 scram-sha-256
host    all by_scram    127.0.0.1/32 scram-sha-256
host    all by_md5      127.0.0.1/32 md5
local   all all         scram-sha-256
`;

describe('TLS on PostgreSQL', { timeout: 300_000 }, () => {
  const authority = createAuthority('the authority');
  const forLocalhost = authority.issue({ name: 'the server', hosts: ['localhost'] });
  const folder = createFolderOfServer();
  const at = (name: string): string => join(folder, name);
  let server: PrivateServer;

  const offer = (of: Certificate): void => {
    writeFileSync(at('server.crt'), of.certificate);
    writeFileSync(at('server.key'), of.key, { mode: 0o600 });
  };

  before(async () => {
    offer(forLocalhost);
    writeFileSync(at('ca.crt'), authority.certificate);
    writeFileSync(at('other-ca.crt'), createAuthority('another authority').certificate);
    writeFileSync(at('hba'), HBA);
    server = await startPrivatePostgresql(folder, [
      ...['--ssl=on', `--ssl-cert-file=${at('server.crt')}`, `--ssl-key-file=${at('server.key')}`],
      ...[`--ssl-ca-file=${at('ca.crt')}`, `--hba-file=${at('hba')}`],
    ]);
  });
  after(() => server.remove());

  /** The role owns the table; it is gone with the server. */
  const createFor = async (t: TestContext, role: string, password = 'secret', encryption = 'scram-sha-256') => {
    const database = await createSessions(t, engineAt(server.url), ROWS);
    await database.run(
      `DO $do$ BEGIN SET LOCAL password_encryption = '${encryption}'; ` +
        `IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${role}') THEN CREATE ROLE ${role} LOGIN; END IF; ` +
        `EXECUTE format('ALTER ROLE ${role} PASSWORD %L', $pw$${password.replaceAll('?', '\\?')}$pw$); END $do$`,
    );
    await database.run(`ALTER TABLE sessions OWNER TO ${role}`);
    return { database, url: (query: string, host = '127.0.0.1') => urlOf(database, { role, password, host, query }) };
  };
  const urlOf = (
    { url }: Database,
    { role, password, host, query }: Readonly<Record<'role' | 'password' | 'host' | 'query', string>>,
  ): string => {
    const { port, pathname } = new URL(url);
    return `postgresql://${role}:${encodeURIComponent(password)}@${host}:${port}${pathname}${query}`;
  };
  const withCertificate = async (database: Database, of: Certificate, work: () => Promise<void>): Promise<void> => {
    const reload = async (certificate: Certificate): Promise<void> => {
      offer(certificate);
      handToServer(folder);
      await database.query('SELECT pg_reload_conf()');
    };
    await reload(of);
    try {
      await work();
    } finally {
      await reload(forLocalhost);
    }
  };

  test('a server that lets nobody in without TLS is reached with each sslmode that has it, and no other', async (t) => {
    const { database, url } = await createFor(t, 'only_tls');
    const ca = `&sslrootcert=${at('ca.crt')}`;
    const refused = failureLine(await runCommand(['run', '--db-url', url('')]), 4, 'unavailable');
    assert.equal(refused.error_code, '28000');
    assert.match(String(refused.hint), /\?sslmode=require \(or verify-full\)/);
    assert.deepEqual(await remaining(database), ['a', 'z']);
    for (const [query, host] of [
      ['?sslmode=require', '127.0.0.1'],
      [`?sslmode=verify-ca${ca}`, '127.0.0.1'],
      [`?sslmode=verify-full${ca}`, 'localhost'],
    ] as const) {
      const line = successLine(await runCommand(['run', '--db-url', url(query, host)]));
      assert.deepEqual([line.deleted_count, await remaining(database)], [1, ['z']]);
      await database.run("INSERT INTO sessions VALUES ('a', '2020-01-01')");
    }
    const checked = await runCommand(['check', '--db-url', url('?sslmode=require')]);
    assert.match(String(checked.line.tls), /^TLSv1/);
  });

  test('a certificate of another authority, for another name, or out of date is not believed', async (t) => {
    const { database, url } = await createFor(t, 'only_tls');
    const unavailable = async (query: string, host: string, code: string): Promise<void> => {
      const line = failureLine(await runCommand(['run', '--db-url', url(query, host)]), 4, 'unavailable');
      assert.deepEqual([line.error_code, line.deleted_count], [code, 0], JSON.stringify(line));
    };
    const ca = `sslrootcert=${at('ca.crt')}`;
    const UNTRUSTED = 'SELF_SIGNED_CERT_IN_CHAIN';
    const other = `sslrootcert=${at('other-ca.crt')}`;
    await unavailable(`?sslmode=verify-ca&${other}`, 'localhost', UNTRUSTED);
    await unavailable(`?sslmode=verify-full&${other}`, 'localhost', UNTRUSTED);
    await unavailable('?sslmode=verify-full', 'localhost', UNTRUSTED);
    await unavailable(`?sslmode=verify-full&${ca}`, '127.0.0.1', 'ERR_TLS_CERT_ALTNAME_INVALID');
    const late = authority.issue({ name: 'the server', hosts: ['localhost'], isExpired: true });
    await withCertificate(database, late, async () => {
      await unavailable(`?sslmode=verify-ca&${ca}`, 'localhost', 'CERT_HAS_EXPIRED');
      await unavailable(`?sslmode=verify-full&${ca}`, 'localhost', 'CERT_HAS_EXPIRED');
    });
    assert.deepEqual(await remaining(database), ['a', 'z']);
    const forAddress = authority.issue({ name: 'the server', hosts: ['127.0.0.1'] });
    await withCertificate(database, forAddress, async () => {
      await unavailable(`?sslmode=verify-full&${ca}`, 'localhost', 'ERR_TLS_CERT_ALTNAME_INVALID');
      const line = successLine(await runCommand(['run', '--db-url', url(`?sslmode=verify-full&${ca}`)]));
      assert.equal(line.deleted_count, 1);
    });
  });

  test('a server that lets somebody in only without TLS does so without sslmode', async (t) => {
    const { database, url } = await createFor(t, 'only_plain');
    failureLine(await runCommand(['run', '--db-url', url('?sslmode=require')]), 4, 'unavailable');
    assert.equal(successLine(await runCommand(['run', '--db-url', url('')])).deleted_count, 1);
    assert.deepEqual(await remaining(database), ['z']);
  });

  test("a client certificate that the server asks for cannot be given: unavailable, in the server's words", async (t) => {
    const { database, url } = await createFor(t, 'certified');
    const line = failureLine(await runCommand(['run', '--db-url', url('?sslmode=require')]), 4, 'unavailable');
    assert.equal(line.error_code, '28000');
    assert.match(String(line.error), /valid client certificate/);
    assert.match(String(line.hint), /certificate/);
    assert.deepEqual(await remaining(database), ['a', 'z']);
  });

  test('a run that is stopped sends its cancel by TLS too, and nothing without', async (t) => {
    const { database, url } = await createFor(t, 'only_tls');
    await slowDeletes(database, FOREVER_MS);
    const proxy = await startProxy(url('?sslmode=require'));
    t.after(() => proxy.close());
    const sent: string[] = [];
    void proxy.when({ test: (text) => sent.push(text) < 0 }, 'before', () => {});
    const run = start(t, ['run', '--db-url', proxy.url, '--timeout', '0']);
    await untilDeleting(database, run);
    run.child.kill('SIGTERM');
    assert.equal(failureLine(await run.ended, 143, 'interrupted').deleted_count, 0);
    await until(
      async () =>
        (
          await database.query(
            "SELECT FROM pg_stat_activity WHERE query LIKE '%DELETE%' AND state = 'active' AND pid <> pg_backend_pid()",
          )
        ).length === 0,
    );
    // Each connection begins with the request for TLS: 80877103. What cancels is 80877102.
    const opening = (code: number): number =>
      sent.filter((text) => Buffer.from(text, 'latin1').indexOf(Buffer.from([0x04, 0xd2, 0x16, code])) === 4).length;
    assert.deepEqual([opening(0x2e), opening(0x2f) >= 2], [0, true]);
  });

  const PASSWORDS = [
    '#/%@: ?&=+',
    ' in the middle and at both ends ',
    'quotes \'"` and \\',
    'pässwörd 日本語 🙂',
    'ﬁnal\u00a0one',
  ];
  for (const [role, encryption] of [
    ['by_scram', 'scram-sha-256'],
    ['by_md5', 'md5'],
  ] as const) {
    test(`a password of any shape lets in, ${encryption}, with TLS and without, and a wrong one does not`, async (t) => {
      for (const password of PASSWORDS) {
        const { database, url } = await createFor(t, role, password, encryption);
        for (const query of ['', '?sslmode=require']) {
          const ended = await runCommand(['run', '--db-url', url(query)]);
          assert.equal(successLine(ended).deleted_count, 1, password);
          await database.run("INSERT INTO sessions VALUES ('a', '2020-01-01')");
        }
      }
      const { url } = await createFor(t, role, 'right', encryption);
      for (const wrong of [url('').replace(':right@', ':wrong@'), url('').replace(':right@', '@')]) {
        const line = failureLine(await runCommand(['run', '--db-url', wrong]), 4, 'unavailable');
        assert.match(String(line.hint), /^Check the user and the password in the URL/);
      }
    });
  }

  test('the socket is reached by its folder, where the database asks for the password too', async (t) => {
    const { database } = await createFor(t, 'by_scram', 'p/w');
    const { port, pathname } = new URL(database.url);
    const socket = (user: string): string =>
      `postgresql://${user}@:${port}${pathname}?host=${encodeURIComponent(folder)}`;
    failureLine(await runCommand(['run', '--db-url', socket('by_scram:wrong')]), 4, 'unavailable');
    const line = successLine(await runCommand(['run', '--db-url', socket('by_scram:p%2Fw')]));
    assert.deepEqual([line.deleted_count, await remaining(database)], [1, ['z']]);
    assert.equal(line.database, `postgresql://localhost:${port}${pathname}?host=${folder}`);
    const nowhere = failureLine(
      await runCommand(['run', '--db-url', 'postgresql:///app?host=/nowhere']),
      4,
      'unavailable',
    );
    assert.equal(nowhere.error_code, 'ENOENT');
  });

  test('a run that is stopped on a socket cancels over the socket', async (t) => {
    const { database } = await createFor(t, 'by_scram', 'secret');
    await slowDeletes(database, FOREVER_MS);
    const { port, pathname } = new URL(database.url);
    const url = `postgresql://by_scram:secret@:${port}${pathname}?host=${folder}`;
    const run = start(t, ['run', '--db-url', url, '--timeout', '0']);
    await untilDeleting(database, run);
    run.child.kill('SIGTERM');
    const line = failureLine(await run.ended, 143, 'interrupted');
    assert.doesNotMatch(String(line.error), /dropped/);
    assert.equal((await remaining(database)).length, 2);
  });
});
