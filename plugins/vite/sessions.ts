import type { Environment, ResolvedConfig } from 'vite';
import type { UpresViteOptions } from './options.js';
import { Session } from './session.js';

/** What hooks get their session from. */
export type SessionOf = (environment: Environment) => Session;

/**
 * The sessions of one plugin, one for each configuration that Vite has resolved with it. That may be many: builders of several
 * environments resolve one for each, and share plugins among these or not, as frameworks want it. So no hook may remember a session:
 * it asks for that of the environment which it was called for.
 */
export class Sessions {
  private readonly sessions = new WeakMap<ResolvedConfig, Session>();
  /** Of the configuration that was resolved last, for what knows no environment. */
  latest: Session | undefined;

  constructor(private readonly options: UpresViteOptions) {}

  open(config: ResolvedConfig): Session {
    const session = new Session(config, this.options);
    this.sessions.set(config, session);
    this.latest = session;
    return session;
  }

  /** @throws Error where Vite has not called `configResolved()` of the plugin */
  of(environment: Environment): Session {
    // Frameworks may give an environment a copy of the configuration.
    const session = this.sessions.get(environment.getTopLevelConfig()) ?? this.latest;
    if (session) return session;
    throw new Error('upres/vite is for Vite, which has not called its plugin’s configResolved() here');
  }
}
