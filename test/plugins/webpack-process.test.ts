import { describeProcess } from './support/webpack-process-suite.js';
import { bundlers } from './support/webpack.js';

describeProcess(bundlers.webpack);
