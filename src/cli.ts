#!/usr/bin/env node
/*
 * What the shell starts. An old Node has to be able to read it, from 10 on, so that it says which one it takes and not what it can't read:
 * hence no import, nor anything of the last years, in here nor in what is made of it (scripts/build.mjs).
 */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

// Those that the packages in dist/ take, see "engines" in package.json.
if (major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19)) {
  require('./begin.js');
} else {
  process.stderr.write(`syncwatch: needs Node 20.19, or 22.12 and newer: this is ${process.versions.node} (${process.execPath})
  See which others there are: which -a node. How to get one: https://nodejs.org
`);
  process.exitCode = 3;
}
