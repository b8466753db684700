/** Time that jumps from one event to the next: what is planned for the same moment happens in the order in which it was planned. */
export class Simulation {
  /** Seconds since the beginning. */
  now = 0;
  private planned = 0;
  /** A binary heap: each event is no later than its two children, at twice its place and one and two more. */
  private readonly events: { readonly at: number; readonly order: number; readonly happen: () => void }[] = [];

  /** Plans what happens so many seconds from now. */
  after(seconds: number, happen: () => void): void {
    const { events } = this;
    const event = { at: this.now + seconds, order: this.planned++, happen };
    let place = events.push(event) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(event, events[parent]!)) break;
      events[place] = events[parent]!;
      place = parent;
    }
    events[place] = event;
  }

  /** Lets everything happen until nothing is planned any more. */
  run(): void {
    for (let next = this.take(); next; next = this.take()) {
      this.now = next.at;
      next.happen();
    }
  }

  private take(): { readonly at: number; readonly happen: () => void } | undefined {
    const { events } = this;
    const first = events[0];
    const last = events.pop();
    if (!first || !last || events.length === 0) return first;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= events.length) break;
      if (child + 1 < events.length && isBefore(events[child + 1]!, events[child]!)) child++;
      if (!isBefore(events[child]!, last)) break;
      events[place] = events[child]!;
      place = child;
    }
    events[place] = last;
    return first;
  }
}

interface Moment {
  readonly at: number;
  readonly order: number;
}

const isBefore = (one: Moment, other: Moment): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order);

/** Something of which there are so many, such as cores: whoever comes when all are taken waits in line. */
export class Station {
  /** Seconds for which they were taken, all added up. */
  busySeconds = 0;
  private free: number;
  private line: (() => void)[] = [];
  /** How many of the line have had their turn. */
  private gone = 0;

  constructor(
    private readonly simulation: Simulation,
    readonly places: number,
  ) {
    this.free = places;
  }

  /** Takes a place when one is free, and has it until `leave`. */
  enter(then: () => void): void {
    if (this.free > 0) {
      this.free--;
      then();
    } else {
      this.line.push(then);
    }
  }

  leave(): void {
    const next = this.line[this.gone];
    if (!next) {
      this.free++;
      return;
    }
    if (++this.gone > 1000 && this.gone * 2 > this.line.length) {
      this.line = this.line.slice(this.gone);
      this.gone = 0;
    }
    next();
  }

  /** Takes a place for so many seconds. */
  serve(seconds: number, then: () => void): void {
    this.enter(() => {
      this.busySeconds += seconds;
      this.simulation.after(seconds, () => {
        this.leave();
        then();
      });
    });
  }

  /** The share of its places' time for which they were taken until now. */
  get busyShare(): number {
    return this.busySeconds / this.places / this.simulation.now;
  }
}
