import { describeWatching } from './support/webpack-watch-suite.js';
import { bundlers } from './support/webpack.js';

describeWatching(bundlers.webpack);
