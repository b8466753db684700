import js from '@eslint/js';
import globals from 'globals';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/', 'out/', 'coverage/', 'models/training/', 'src/model/graph/onnx/onnx_pb.ts'] },
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
    },
  },
  // Graph code takes longer to load than all else together: only what is itself loaded to build a graph imports it statically.
  {
    files: ['src/**/*.ts', 'plugins/**/*.ts'],
    ignores: [
      'src/model/graph/**',
      'src/network/weights/prepare.ts',
      'src/network/gpu/gpu-session.ts',
      'src/cli/import-model.ts',
    ],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '/graph/|^@bufbuild/',
              message: 'Load model/graph by `await import` where a graph is really built.',
            },
          ],
        },
      ],
    },
  },
  { files: ['**/*.js'], ...tseslint.configs.disableTypeChecked },
  { files: ['**/*.js'], ignores: ['src/server/http/page/*.js'], languageOptions: { globals: globals.node } },
  { files: ['src/server/http/page/*.js'], languageOptions: { globals: globals.browser } },
);
