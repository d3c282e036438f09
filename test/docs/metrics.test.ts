// docs/metrics.md: its alert is on metrics that there are, and fires when it should.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { install } from './installed.js';
import { blocks, code, read, table } from './markdown.js';

const PAGE = read('docs/metrics.md');
const [EXPRESSION = ''] = blocks(PAGE, 'promql');

test('the alert is on metrics that there are', () => {
  const metrics = table(PAGE, 'metric', 'value').flatMap(([metric = '']) => code(metric));
  const named = EXPRESSION.match(/session_cleanup_\w+/g) ?? [];
  assert.deepEqual(
    named.filter((name) => !metrics.includes(name)),
    [],
  );
  assert.ok(named.length > 0);
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

test('the alert fires without a success, and a day after one', {
  skip: !hasPromtool && 'promtool is not installed',
}, (t) => {
  const { folder } = install(t);
  const rules = { groups: [{ name: 'sessions', rules: [{ alert: 'Stale', expr: EXPRESSION }] }] };
  writeFileSync(join(folder, 'rules.yml'), JSON.stringify(rules));
  const series = 'session_cleanup_last_success_timestamp_seconds{table="sessions"}';
  const fires = (labels: object) => [{ exp_labels: labels }];
  const tests = [
    { input_series: [], alert_rule_test: [{ eval_time: '1h', alertname: 'Stale', exp_alerts: fires({}) }] },
    {
      input_series: [{ series, values: '3600x1500' }],
      alert_rule_test: [
        { eval_time: '24h', alertname: 'Stale', exp_alerts: [] },
        { eval_time: '25h1m', alertname: 'Stale', exp_alerts: fires({ table: 'sessions' }) },
      ],
    },
  ].map((each) => ({ interval: '1m', ...each }));
  const file = join(folder, 'test.yml');
  writeFileSync(file, JSON.stringify({ rule_files: ['rules.yml'], tests }));
  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
  assert.deepEqual([status, stderr], [0, ''], stdout);
});
