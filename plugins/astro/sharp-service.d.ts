declare module 'astro/assets/services/sharp' {
  import type { LocalService } from './astro.js';
  const service: LocalService;
  export default service;
}
