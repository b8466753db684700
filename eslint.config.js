import js from '@eslint/js';
import globals from 'globals';
import tseslint from 'typescript-eslint';

/** The floors of the house, from the ground up: none imports from one above it. The command and the server stand side by side, on `asset`. */
const floors = [
  {
    files: ['src/*.ts'],
    above: ['storage', 'model', 'network', 'image', 'asset', 'cli', 'server'],
    ignores: ['src/index.ts'],
  },
  { files: ['src/storage/**'], above: ['model', 'network', 'image', 'asset', 'cli', 'server'] },
  { files: ['src/model/**'], above: ['network', 'image', 'asset', 'cli', 'server'] },
  { files: ['src/network/**'], above: ['image', 'asset', 'cli', 'server'] },
  { files: ['src/image/**'], above: ['asset', 'cli', 'server'] },
  { files: ['src/asset/**'], above: ['cli', 'server'] },
  { files: ['src/server/**'], above: ['cli'] },
  { files: ['src/cli/**'], above: [] },
];

/** Plugins know their bundler, `asset` and the ground, and nothing of each other; what a picture's first bytes tell is known to all. */
const aboveOrBesidePlugins = [
  '^#upres/(?:model|network|image/(?!codec/sniff)|cli|server)/',
  '^(?:\\.\\./)+(?:vite|webpack|gulp)/',
];

/** Graph code takes longer to load than all else together: only what is itself loaded to build a graph imports it statically. */
const graphs = '/graph/|^@bufbuild/';
const graphBuilders = [
  'src/model/graph/**',
  'src/network/weights/prepare.ts',
  'src/network/gpu/gpu-session.ts',
  'src/cli/import-model.ts',
];

/**
 * ESLint's rule for imports knows only static ones, so those by `import()` are looked for as expressions.
 * @param {string[]} places regular expressions
 * @param {string} message
 */
const neverImport = (places, message) => ({
  static: places.map((regex) => ({ regex, message })),
  dynamic: places.map((regex) => ({
    selector: `ImportExpression > Literal[value=/${regex.replaceAll('/', '\\u002F')}/]`,
    message,
  })),
});

/** One way to say it. */
const noHashNames = {
  selector: 'PropertyDefinition > PrivateIdentifier, MethodDefinition > PrivateIdentifier',
  message: 'Say `private`.',
};

/** The same for names in an error's message: "so", not 'so', `so` or “so”. */
const oneQuote = ['TemplateElement[value.raw', 'Literal[value'].map((text) => ({
  selector: `NewExpression[callee.name=/Error$/] ${text}=/[\\u0060‘“”]|(?:^|[ (])'/]`,
  message: 'Put names in messages between ".',
}));

/** The rules of one place: what it may not import at all, and whether it may import graphs statically. */
const importRules = (places, message, mayBuildGraphs) => {
  const never = neverImport(places, message);
  const lazily = { regex: graphs, message: 'Load model/graph by `await import` where a graph is really built.' };
  return {
    'no-restricted-imports': ['error', { patterns: mayBuildGraphs ? never.static : [...never.static, lazily] }],
    'no-restricted-syntax': ['error', noHashNames, ...oneQuote, ...never.dynamic],
  };
};

const floorRules = floors.flatMap(({ files, ignores = [], above }) => {
  const places = above.length > 0 ? [`^\\.\\.?/(?:\\.\\./)*(?:${above.join('|')})/`] : [];
  const message = 'A floor uses only floors below it: see CONTRIBUTING.md.';
  return [
    { files, ignores: [...ignores, ...graphBuilders], rules: importRules(places, message, false) },
    {
      files: graphBuilders.filter((file) => file.startsWith(files[0].replace('**', ''))),
      rules: importRules(places, message, true),
    },
  ].filter((config) => config.files.length > 0);
});

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'out/',
      'coverage/',
      'models/training/',
      'src/model/graph/onnx/onnx_pb.ts',
      'test/frameworks/*/',
      'test/server/typed-client/',
    ],
  },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['eslint.config.js', 'examples/*.js'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      // The type of a schema, with a name.
      '@typescript-eslint/no-empty-object-type': ['error', { allowInterfaces: 'with-single-extends' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      'no-restricted-syntax': ['error', noHashNames, ...oneQuote],
      'no-duplicate-imports': ['error', { allowSeparateTypeImports: true }],
    },
  },
  ...floorRules,
  {
    files: ['plugins/**'],
    // Next is built on webpack, among others.
    ignores: ['plugins/next/**'],
    rules: importRules(aboveOrBesidePlugins, 'A plugin knows its bundler and asset/.', false),
  },
  {
    files: ['plugins/next/**'],
    rules: importRules(aboveOrBesidePlugins.slice(0, 1), 'A plugin knows its bundler and asset/.', false),
  },
  { files: ['**/*.js'], ...tseslint.configs.disableTypeChecked },
  { files: ['**/*.js'], ignores: ['src/server/http/page/*.js'], languageOptions: { globals: globals.node } },
  { files: ['src/server/http/page/*.js'], languageOptions: { globals: globals.browser } },
);
