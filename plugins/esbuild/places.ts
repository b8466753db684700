import { join } from 'node:path';

/**
 * Paths for files that are not on disk. esbuild makes of a module's path the name of its file (`[dir]/[name]-[hash]`), so it has to
 * be the one that the result would have next to its source; and it takes equal paths for one module, where two networks may make a
 * `logo@2x.png` each, next to one made by hand. So each gets as many `/.` before its name as tell it from the others: other paths for
 * the same place.
 */
export class Places<T> {
  private readonly queries = new Map<string, string[]>();
  private readonly things = new Map<string, T>();

  /**
   * The path of a file.
   * @param query tells apart what has one name
   */
  of(folder: string, name: string, query: string, thing: T): string {
    const queries = this.queries.get(join(folder, name)) ?? [];
    if (!queries.includes(query)) queries.push(query);
    this.queries.set(join(folder, name), queries);
    const path = `${folder}${'/.'.repeat(queries.indexOf(query) + 1)}/${name}`;
    this.things.set(path, thing);
    return path;
  }

  at(path: string): T | undefined {
    return this.things.get(path);
  }
}
