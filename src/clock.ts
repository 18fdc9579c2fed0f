import { type WallMs, wallMs } from './core/clock.js';

export const wallNow = (): WallMs => wallMs(Date.now());
