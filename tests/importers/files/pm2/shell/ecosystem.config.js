module.exports = {
  apps: [
    { name: 'ui', script: 'npm', args: 'run dev', cwd: './ui', env: { PORT: 48102 } },
    { name: 'api', script: 'npx tsx watch api/index.ts', watch: false },
    { name: 'gateway', script: 'start.sh', interpreter: 'bash', kill_timeout: 10000 },
    { name: 'tunnel', script: 'sleep', args: ['600'], interpreter: 'none' },
    { name: 'docs', script: 'serve', env: { PM2_SERVE_PATH: './site', PM2_SERVE_PORT: 48103, PM2_SERVE_SPA: 'true' } },
  ],
};
