import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cascadeBack, type ForeignKey } from '../../src/engines/cascades.js';

const key = (constraint: string, child: string, parent: string, onDelete = 'CASCADE'): ForeignKey => ({
  constraint,
  child,
  parent,
  onDelete,
});
const wayBack = (keys: readonly ForeignKey[]) => cascadeBack('sessions', keys)?.map(({ constraint }) => constraint);

describe('a deletion comes back to its table', () => {
  test('by a foreign key to the table itself', () => {
    assert.deepEqual(wayBack([key('rotated', 'sessions', 'sessions')]), ['rotated']);
  });

  test('over one other table, and over two', () => {
    assert.deepEqual(wayBack([key('back', 'sessions', 'users'), key('out', 'users', 'sessions')]), ['out', 'back']);
    const ring = [key('b', 'devices', 'users'), key('c', 'sessions', 'devices'), key('a', 'users', 'sessions')];
    assert.deepEqual(wayBack(ring), ['a', 'b', 'c']);
  });

  test('by the shortest way of several', () => {
    const long = [key('a', 'users', 'sessions'), key('b', 'devices', 'users'), key('c', 'sessions', 'devices')];
    assert.deepEqual(wayBack([...long, key('short', 'sessions', 'users')]), ['a', 'short']);
  });

  test('whatever the case in which the rule is written', () => {
    assert.deepEqual(wayBack([key('rotated', 'sessions', 'sessions', 'cascade')]), ['rotated']);
  });
});

describe('no deletion comes back', () => {
  test('by any rule but CASCADE', () => {
    for (const rule of ['SET NULL', 'SET DEFAULT', 'RESTRICT', 'NO ACTION']) {
      assert.equal(wayBack([key('rotated', 'sessions', 'sessions', rule)]), undefined);
      assert.equal(wayBack([key('a', 'users', 'sessions'), key('b', 'sessions', 'users', rule)]), undefined);
    }
  });

  test('where the children do not lead to it, in a ring of their own or not at all', () => {
    const children = [key('a', 'users', 'sessions'), key('b', 'users', 'users'), key('c', 'devices', 'users')];
    assert.equal(wayBack([...children, key('d', 'users', 'devices'), key('e', 'sessions', 'accounts')]), undefined);
    assert.equal(wayBack([]), undefined);
  });
});
