/** Lets images in that may be what ends the process: alone, so that no other is suspected for it. */
export class Suspects {
  private inside = 0;
  private alone = false;
  private readonly waiting: { readonly suspect: boolean; readonly enter: () => void }[] = [];

  /** @returns a function to call when the image has left */
  async enter(suspect: boolean): Promise<() => void> {
    await new Promise<void>((enter) => {
      this.waiting.push({ suspect, enter });
      this.next();
    });
    return () => {
      this.inside--;
      this.alone = false;
      this.next();
    };
  }

  /** In the order in which they came, so that a suspect is not kept waiting by those that come after it. */
  private next(): void {
    for (let [first] = this.waiting; first; [first] = this.waiting) {
      if (this.alone || (first.suspect && this.inside > 0)) return;
      this.waiting.shift();
      this.inside++;
      this.alone = first.suspect;
      first.enter();
    }
  }
}
