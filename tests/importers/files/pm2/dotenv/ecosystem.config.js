require('dotenv').config({ path: './.env' });

module.exports = {
  apps: [{ name: 'mailer', script: './index.js', env: { ...require('dotenv').config().parsed, NODE_ENV: 'production' } }],
};
