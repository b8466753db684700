import { describeBundler } from './support/webpack-suite.js';
import { bundlers } from './support/webpack.js';

describeBundler(bundlers.rspack);
