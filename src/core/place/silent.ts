/**
 * File systems (as the mount table calls them) that can change without this kernel's doing, and of that inotify(7) tells nothing:
 * others have them mounted too, or change what is underneath.
 */
const SILENT: readonly string[] = [
  // Over the network, or from a cluster.
  ...[
    'nfs',
    'nfs3',
    'nfs4',
    'cifs',
    'smb',
    'smb2',
    'smb3',
    'smbfs',
    'ncpfs',
    'afs',
    'coda',
    'ceph',
    'lustre',
    'beegfs',
    'gpfs',
  ],
  ...['gfs', 'gfs2', 'ocfs2', 'orangefs', 'pvfs2', 'glusterfs', 'davfs', 'acfs'],
  // From the host of a virtual machine or a container: QEMU, WSL, VirtualBox, Parallels, VMware, Docker Desktop.
  ...['9p', 'v9fs', 'drvfs', 'virtiofs', 'vboxsf', 'prl_fs', 'vmhgfs', 'fakeowner', 'fuse'],
  // From other directories.
  ...['overlay', 'overlayfs', 'aufs', 'unionfs', 'ecryptfs'],
];

/** Whether some of what changes in such a file system may never be told: `fuse.sshfs` and its like, and what is above. */
export const isSilent = (type: string): boolean => SILENT.includes(type) || type.startsWith('fuse.');
