import { describePersistentCache } from './support/webpack-cache-suite.js';
import { bundlers } from './support/webpack.js';

describePersistentCache(bundlers.rspack);
