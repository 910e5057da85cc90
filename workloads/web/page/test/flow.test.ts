// The table of cases is the catalog package's: Go's tests play it, too.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Flow, overtaken } from '../src/lib/media/flow';

interface Step {
  arrived?: number;
  tries?: number;
  times?: number;
  lost?: number;
  window: number;
  batch: number;
  timeouts: number[];
}
const table = JSON.parse(readFileSync(new URL('../../../catalog/testdata/window.json', import.meta.url), 'utf8')) as {
  cases: { name: string; chunk: number; steps: Step[] }[];
  overtaken: { asked: number; came: number; lost: boolean }[];
};

test.each(table.cases)('the receiver’s window: $name', ({ chunk, steps }) => {
  let now = 0;
  const flow = new Flow({ now: () => now });
  flow.use(chunk);
  steps.forEach((s, i) => {
    for (let n = 0; n < (s.times ?? 1); n++) {
      if (s.arrived !== undefined) flow.arrived(s.arrived, s.tries ?? 1);
      if (s.lost !== undefined) {
        now = s.lost;
        flow.lost();
      }
    }
    expect(flow.limit / chunk, `step ${i}`).toBe(s.window);
    expect(Math.floor(flow.batch / chunk), `step ${i}`).toBe(s.batch);
    [1, 2, 9].forEach((tries, k) => {
      expect(Math.abs(flow.timeout(chunk, tries) - s.timeouts[k]), `step ${i}`).toBeLessThanOrEqual(1);
    });
  });
});

test.each(table.overtaken)('$asked is overtaken by $came: $lost', (c) => {
  expect(overtaken(c.asked, c.came)).toBe(c.lost);
});
