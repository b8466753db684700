/** A stretch of time, in milliseconds. */
interface Stretch {
  readonly from: number;
  until: number;
}

/** Time that several say at once was not lost: what lies in any of their stretches, counted once. */
export class CreditedTime {
  /** Those that may grow yet, or be taken back. */
  private readonly open = new Set<Stretch>();
  /** Of those that stay, what an open one may still overlap: in order, and none touches another. */
  private kept: readonly Stretch[] = [];
  /** Milliseconds of those that stay and that no one can overlap any more. */
  private past = 0;

  /** Begins a stretch of no length. */
  begin(now: number): Stretch {
    const stretch = { from: now, until: now };
    this.open.add(stretch);
    return stretch;
  }

  /** Takes a stretch back, whatever it was; one that was kept or taken back already stays so. */
  withdraw(stretch: Stretch): void {
    this.open.delete(stretch);
  }

  /** Lets a stretch stay as it is for good. */
  keep(stretch: Stretch): void {
    if (!this.open.delete(stretch)) return;
    // Whoever begins later overlaps nothing that lies before what is kept.
    const first = Math.min(...[...this.open].map(({ from }) => from));
    const merged = union([...this.kept, stretch]);
    this.past += sum(merged.filter(({ until }) => until <= first));
    this.kept = merged.filter(({ until }) => until > first);
  }

  /** Milliseconds in all. */
  get total(): number {
    return this.past + sum(union([...this.kept, ...this.open]));
  }

  /** Forgets everything; what was begun before does not count any more. */
  clear(): void {
    this.open.clear();
    this.kept = [];
    this.past = 0;
  }
}

const sum = (stretches: readonly Stretch[]): number =>
  stretches.reduce((total, { from, until }) => total + until - from, 0);

/** The same time in stretches that do not touch, in order. */
function union(stretches: readonly Stretch[]): readonly Stretch[] {
  const whole: Stretch[] = [];
  for (const { from, until } of stretches.toSorted((one, other) => one.from - other.from)) {
    const last = whole.at(-1);
    if (last && from <= last.until) last.until = Math.max(last.until, until);
    else whole.push({ from, until });
  }
  return whole;
}
