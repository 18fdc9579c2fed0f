/**
 * What rsync does about a name. `send`: a file's content, or a link, goes over; `move`: its content was there under another
 * name; `mkdir`; `attributes`: only mode or time; `delete`.
 */
export type ItemAction = 'send' | 'move' | 'mkdir' | 'attributes' | 'delete';
