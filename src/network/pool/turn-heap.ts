/** Whose turn comes when: at the smallest start, and among equals first come, first served. */
export interface Turn {
  start: number;
  order: number;
}

/** A binary heap of turns that knows where each one stands, so that any can be moved or taken out in logarithmic time. */
export class TurnHeap<T extends Turn> {
  private readonly turns: T[] = [];
  private readonly places = new Map<T, number>();

  get size(): number {
    return this.turns.length;
  }

  /** The one whose turn is first. */
  get first(): T | undefined {
    return this.turns[0];
  }

  has(turn: T): boolean {
    return this.places.has(turn);
  }

  add(turn: T): void {
    this.rise(turn, this.turns.length);
  }

  delete(turn: T): void {
    const place = this.places.get(turn);
    if (place === undefined) return;
    this.places.delete(turn);
    const last = this.turns.pop()!;
    if (last === turn) return;
    this.rise(last, place);
    this.sink(last);
  }

  /** Called when a turn has become a later one. */
  sink(turn: T): void {
    let place = this.places.get(turn)!;
    for (;;) {
      const left = 2 * place + 1;
      const right = left + 1;
      if (left >= this.turns.length) break;
      const child = right < this.turns.length && isBefore(this.turns[right]!, this.turns[left]!) ? right : left;
      if (!isBefore(this.turns[child]!, turn)) break;
      this.put(this.turns[child]!, place);
      place = child;
    }
    this.put(turn, place);
  }

  private rise(turn: T, from: number): void {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(turn, this.turns[parent]!)) break;
      this.put(this.turns[parent]!, place);
      place = parent;
    }
    this.put(turn, place);
  }

  private put(turn: T, place: number): void {
    this.turns[place] = turn;
    this.places.set(turn, place);
  }
}

export function isBefore(a: Turn, b: Turn): boolean {
  return a.start < b.start || (a.start === b.start && a.order < b.order);
}
