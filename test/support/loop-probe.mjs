// Loaded into syncwatch with --import: how long does it hold its event loop? At SIGUSR2 it writes what it has measured since
// the last time, or since the program was loaded, to the file that LOOP_PROBE names.
//
// On a busy machine a turn of the loop also lasts because others have the processor: so its own processor time is measured
// beside monitorEventLoopDelay (proc_pid_schedstat(5), Linux), and the lower one counts.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const path = process.env['LOOP_PROBE'];
const EVERY_MS = 2;

const processorMs = () => {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
  } catch {
    return performance.now();
  }
};

if (path !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  let isLoaded = false;
  let last = processorMs();
  let longest = 0;
  const look = () => {
    const now = processorMs();
    // Once it heeds signals it runs; before that it only loads its modules.
    if (!isLoaded && process.listenerCount('SIGTERM') > 0) {
      isLoaded = true;
      delay.enable();
    } else if (isLoaded) longest = Math.max(longest, now - last);
    last = now;
  };
  setInterval(look, EVERY_MS).unref();
  process.on('SIGUSR2', () => {
    writeFileSync(`${path}.new`, JSON.stringify({ delayMs: delay.max / 1e6, processorMs: longest }));
    renameSync(`${path}.new`, path);
    delay.reset();
    longest = 0;
  });
}
