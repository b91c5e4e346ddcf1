module.exports = {
  apps: [{
    name: 'ledger',
    script: './dist/main.js',
    instances: 'max', // one for each core
    exec_mode: 'cluster',
    instance_var: 'LEDGER_WORKER',
    wait_ready: true,
    stop_exit_codes: [0],
    listen_timeout: 50000,
    env: { NODE_ENV: 'development' },
    env_production: { NODE_ENV: 'production' },
    env_staging: { NODE_ENV: 'staging', DEBUG: '*' },
  }],

  deploy: {
    production: {
      user: 'deploy',
      host: ['app1.example.com', 'app2.example.com'],
      ref: 'origin/main',
      repo: 'git@example.com:ledger.git',
      path: '/srv/ledger',
      'post-deploy': 'npm ci && pm2 reload ecosystem.config.js --env production',
    },
  },
};
