import { isMet, type Goal, type Table } from './measurement.js';

/** A table as lines of text: the first column to the left, figures to the right. */
export function textTable({ caption, columns, rows }: Table): string {
  const widths = columns.map((column, index) => Math.max(column.length, ...rows.map((row) => row[index]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => (index === 0 ? cell.padEnd(widths[index]!) : cell.padStart(widths[index]!)))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [caption, '', line(columns), rule, ...rows.map(line)].join('\n');
}

/** A goal in words, and whether it was reached. */
export function textGoal(goal: Goal): string {
  const { what, value, bound, show } = goal;
  const wanted = 'atLeast' in bound ? `at least ${show(bound.atLeast)}` : `at most ${show(bound.atMost)}`;
  return `Goal ${isMet(goal) ? 'met' : 'MISSED'}: ${what} is ${show(value)}, should be ${wanted}`;
}

/** A goal as figures of a table, and how near it is: a ratio of 1 and more is met. */
export function goalRow({ what, value, bound, show }: Goal): GoalRow {
  const [shouldBe, ratio] =
    'atLeast' in bound
      ? [`≥ ${show(bound.atLeast)}`, value / bound.atLeast]
      : [`≤ ${show(bound.atMost)}`, bound.atMost / value];
  return { what, is: show(value), shouldBe, ratio: ratio.toFixed(2) };
}

/** What `goalRow` makes of a goal. */
export interface GoalRow {
  readonly what: string;
  readonly is: string;
  readonly shouldBe: string;
  readonly ratio: string;
}

/** All goals. */
export function goalTable(goals: readonly Goal[]): Table {
  return {
    caption: 'All goals',
    columns: ['', 'is', 'should be', 'ratio'],
    rows: goals.map(goalRow).map(({ what, is, shouldBe, ratio }) => [what, is, shouldBe, ratio]),
  };
}
