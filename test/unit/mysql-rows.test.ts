// How the rows of a step are shared out among statements that the server's packets can hold.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { amongRows, piecesOf } from '../../src/engines/mysql/rows.js';

const key = (...names: readonly string[]) => ({
  index: 'PRIMARY',
  columns: names.map((name) => ({ name, sql: `\`${name}\``, isWholeNumber: false })),
});

test('a statement is never longer than the packet, and every row is in one', () => {
  const rows = Array.from({ length: 3_000 }, (_, at) => [String(at).padStart(200, 'x'), 'é'.repeat(at % 200)]);
  for (const packetBytes of [16_384, 65_536, 16_777_216]) {
    const pieces = piecesOf(rows, packetBytes);
    assert.deepEqual(pieces.flat(), rows);
    for (const piece of pieces) {
      const { sql, bindings } = amongRows(key('tenant', 'session'), piece);
      // A text is sent in hex.
      const bytes = bindings.reduce((sum: number, text) => sum + 2 * Buffer.byteLength(String(text)), sql.length);
      assert.ok(bytes < packetBytes, `${bytes} of ${packetBytes} bytes`);
      assert.ok(piece.length <= 500);
    }
  }
});

test('a row that is larger than the packet is alone in its statement', () => {
  const pieces = piecesOf([['x'.repeat(20_000)], ['y']], 16_384);
  assert.deepEqual(
    pieces.map(({ length }) => length),
    [1, 1],
  );
});
