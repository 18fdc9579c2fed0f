import { Buffer } from 'node:buffer';
import { platform } from 'node:os';
import type { Notification } from '../core/alerts.js';
import type { Program } from '../core/environment.js';
import type { Programs } from '../programs.js';

/** A way to show a notification on this system: a program and its arguments. */
export interface Desktop {
  readonly name: string;
  readonly program: Program;
  readonly args: (notification: Notification) => readonly string[];
}

/** freedesktop.org's notification: its body is markup, and notify-send takes backslashes in it for escapes (g_strcompress). */
const markup = (text: string): string =>
  text.replace(/[&<>]/g, (c) => `&${{ '&': 'amp', '<': 'lt', '>': 'gt' }[c] ?? ''};`).replaceAll('\\', '\\\\');

/** By AppleScript: what is said are arguments, not parts of the script. */
const OSASCRIPT = [
  ...['-e', 'on run argv'],
  ...['-e', 'display notification (item 2 of argv) with title (item 1 of argv)'],
  ...['-e', 'end run'],
];

/** A toast of Windows, by PowerShell: what is said is in the script as base64, which ends no text of it. */
function toast({ summary, body }: Notification): string {
  const text = (said: string): string =>
    `[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('${Buffer.from(said).toString('base64')}'))`;
  const script = [
    '[void][Windows.UI.Notifications.ToastNotificationManager,Windows.UI.Notifications,ContentType=WindowsRuntime]',
    '$xml=[Windows.UI.Notifications.ToastNotificationManager]::GetTemplateContent(1)',
    '$texts=$xml.GetElementsByTagName("text")',
    `[void]$texts.Item(0).AppendChild($xml.CreateTextNode(${text(summary)}+": "+${text(body)}))`,
    `[Windows.UI.Notifications.ToastNotificationManager]::CreateToastNotifier('syncwatch').Show([Windows.UI.Notifications.ToastNotification]::new($xml))`,
  ].join(';');
  return Buffer.from(script, 'utf16le').toString('base64');
}

/** Each way, by its program. Arguments that hold what is said come after one that ends the options, or begin with our own name. */
const WAYS: Readonly<Record<string, Desktop['args']>> = {
  'notify-send': ({ summary, body }) => ['--app-name=syncwatch', '--', summary, markup(body)],
  osascript: ({ summary, body }) => [...OSASCRIPT, summary, body],
  'wsl-notify-send.exe': ({ summary, body }) => ['--category', 'syncwatch', `${summary}: ${body}`],
  'powershell.exe': (notification) => ['-NoProfile', '-NonInteractive', '-EncodedCommand', toast(notification)],
};

/** Which of them this system may have, the best first. */
function candidates(env: Program['env']): readonly string[] {
  if (platform() === 'darwin') return ['osascript'];
  const isWsl = (env['WSL_DISTRO_NAME'] ?? '') !== '';
  return isWsl ? ['wsl-notify-send.exe', 'powershell.exe', 'notify-send'] : ['notify-send'];
}

/** The way that this system has; or what it would take. */
export function findDesktop({ find, shell }: Pick<Programs, 'find' | 'shell'>): Desktop | { readonly missing: string } {
  const names = candidates(shell.env);
  for (const name of names) {
    const program = find(name);
    const args = WAYS[name];
    if (program.file !== undefined && args !== undefined) return { name, program, args };
  }
  return { missing: names.join(', ') };
}
