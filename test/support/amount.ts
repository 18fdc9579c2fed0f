import { inject } from 'vitest';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Whether this is `npm run test:long`: vitest.config.ts. */
    isLong: boolean;
    /** What random cases begin with: random-setup.ts. */
    seed: number;
  }
}

/** Whether this is `npm run test:long`. */
export const isLong = inject('isLong');

/** How many there are of something whose number is the point: few in `npm test`, many in `npm run test:long`. */
export const amount = (few: number, many: number): number => (isLong ? many : few);
