const { QUEUE = 'mail', WATCH_DELAY } = process.env;
const common = {
  interpreter: 'node',
  interpreter_args: '--max-old-space-size=256 --trace-warnings',
  watch: ['src', 'config'],
  watch_delay: WATCH_DELAY,
  ignore_watch: ['node_modules', 'logs', '*.log', '.git'],
  watch_options: { usePolling: true, followSymlinks: false },
  source_map_support: true,
  time: true,
};

module.exports = {
  apps: [
    { name: 'queue', script: 'src/queue.js', args: `--queue ${QUEUE} --retries 3`, ...common },
    { name: 'nightly', script: 'src/nightly.js', cron_restart: '0 3 * * *', autorestart: false, ...common, watch: false },
    { name: 'hourly', script: 'src/nightly.js', cron_restart: '0 * * * *', ...common, watch: false },
  ],
};
