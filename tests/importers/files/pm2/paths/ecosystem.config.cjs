const path = require('path');
const home = path.resolve(__dirname);
const bots = ['alpha', 'beta'];

module.exports = {
  apps: [
    ...bots.map((bot) => ({
      name: `bot-${bot}`,
      script: path.join(home, 'src', `${bot}.js`),
      cwd: home,
      autorestart: true,
      watch: false,
      env: { NODE_OPTIONS: `--require ${path.join(home, 'compat.js')}` },
    })),
    /* {
      name: 'bot-gamma',
      script: path.join(home, 'src', 'gamma.js'),
    }, */
  ],
};
