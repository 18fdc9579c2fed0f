import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Place, place, Running, run } from '../support/cli.js';
import { fill, temporaryDir } from '../support/tree.js';

/** Another machine as far as can be had on one: another home, state and DIR, and the same target. */
function another({
  args,
}: Place): { start: (more?: readonly string[]) => Running; local: string } & Pick<Place, 'run'> {
  const base = temporaryDir();
  for (const each of ['home', 'run', 'local']) mkdirSync(join(base, each), { mode: 0o700 });
  const local = join(base, 'local');
  const env = { XDG_STATE_HOME: join(base, 'state'), XDG_RUNTIME_DIR: join(base, 'run'), HOME: join(base, 'home') };
  return {
    local,
    start: (more = []) => new Running([...args, '--json', local, ...more], { env }),
    run: (more = []) => run([...args, local, ...more], { env }),
  };
}

describe('a place that another machine syncs to', () => {
  it('is left alone: it is told who, since when and from where, and nothing is touched; when that one has ended it is free', async () => {
    const there = place();
    const other = another(there);
    fill(there.local, { a: 'a' });
    fill(other.local, { b: 'b' });
    const running = there.start();
    await running.inSync();
    for (const more of [[], ['--once']]) {
      const { code, stderr } = await other.run(more);
      expect(code).toBe(3);
      const who = `${userInfo().username}@${hostname()} (${there.local}, from `;
      expect(stderr).toContain(`${there.to} is being synced by ${who}`);
      expect(stderr).toMatch(/, since \d{4}-\d\d-\d\d \d\d:\d\d$/m);
      expect(stderr).toContain('--take-over');
    }
    expect(readdirSync(there.remote)).toEqual(['a']);
    // What changes nothing may look on.
    expect((await other.run(['--dry-run'])).code).toBe(0);
    await running.stop();
    expect((await other.run(['--once'])).code).toBe(0);
    expect(readdirSync(there.remote).sort()).toEqual(['a', 'b']);
  });

  it('is taken over with --take-over: the first one ends and says why', async () => {
    const there = place();
    const other = another(there);
    fill(there.local, { a: 'a' });
    fill(other.local, { a: 'a', b: 'b' });
    const first = there.start();
    await first.inSync();
    const second = other.start(['--take-over']);
    await second.inSync();
    expect(await first.ended).toBe(3);
    const halted = first.events.find((e) => e.event === 'halted');
    expect(JSON.stringify(halted)).toContain(
      `${there.to} was taken over by ${userInfo().username}@${hostname()} (${other.local}`,
    );
    writeFileSync(join(other.local, 'b'), 'changed');
    await second.until('it is there', () => readFileSync(join(there.remote, 'b'), 'utf8') === 'changed');
    // The one that ended must not have let go of what is not its own.
    expect((await there.run(['--once'])).code).toBe(3);
    expect(await second.stop()).toBe(130);
  });

  it('ends the first one, too, when what took over is through at once', async () => {
    const there = place();
    const other = another(there);
    fill(there.local, { a: 'a' });
    fill(other.local, { a: 'b' });
    const first = there.start();
    await first.inSync();
    expect((await other.run(['--once', '--take-over'])).code).toBe(0);
    expect(await first.ended).toBe(3);
    const halted = first.events.find((e) => e.event === 'halted');
    expect(JSON.stringify(halted)).toContain(`(${other.local}`);
  });

  it('is not let go by a second start of the same DIR, which is refused', async () => {
    const there = place();
    const other = another(there);
    fill(there.local, { a: 'a' });
    const first = there.start();
    await first.inSync();
    const { code, stderr } = await run(['-F', there.server.sshConfig, '--to', `${there.to}/.`, '--once', there.local], {
      env: there.env,
    });
    expect(code).toBe(3);
    expect(stderr).toContain('another syncwatch');
    expect((await other.run(['--once'])).code).toBe(3);
  });

  it('goes by itself when that one is killed, and the same one comes back at once, also after a lost connection', async () => {
    const there = place();
    const other = another(there);
    fill(there.local, { a: 'a' });
    const killed = there.start();
    await killed.inSync();
    killed.child.kill('SIGKILL');
    await killed.ended;
    const again = there.start();
    await again.inSync();
    expect((await other.run(['--once'])).code).toBe(3);
    again.child.kill('SIGKILL');
    await again.ended;
    // Its sshd there has to notice that the connection is gone.
    let code: number | string = 3;
    for (let tries = 0; code === 3 && tries < 100; tries++) code = (await other.run(['--once'])).code;
    expect(code).toBe(0);
  });
});
