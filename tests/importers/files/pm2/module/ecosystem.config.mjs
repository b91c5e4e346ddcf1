import { readFileSync } from 'node:fs';

const { version } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url)));

/** @type {{ apps: object[] }} */
export default {
  apps: [{ name: 'relay', script: './relay.mjs', env: { VERSION: version }, merge_logs: true, increment_var: 'PORT', instances: -1 }],
};
