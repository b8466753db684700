/**
 * Imports a package that only those install who need it.
 *
 * webpack follows the imports of its loaders from file to file, and where one names a package that is not there it stores no cache for the
 * whole project: all releases do where the import is static, and those before 5.90 for `import()`, too. Files in CommonJS are not read for
 * imports.
 */
const importPeer = (name: string): Promise<unknown> => import(name);

export = importPeer;
