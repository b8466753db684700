import { describeMultiCompiler } from './support/webpack-multi-suite.js';
import { bundlers } from './support/webpack.js';

describeMultiCompiler(bundlers.webpack);
